import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { withBundle } from '../bundle/bundle-gate.ts';
import { imagesOf, readRestoreFlags } from '../checkpoints/store.ts';
import { crashPoint } from '../crash-point.ts';
import type { Errands } from '../errands/errands.ts';
import { ContainerdError } from '../errors.ts';
import type { StartRecord } from '../generated/shim.ts';
import { pinned } from '../linux/pin.ts';
import { type WindowSize, windowSize } from '../linux/terminal.ts';
import {
  type CreateRequest,
  INIT,
  type Inherited,
  type Launched,
  type ProcessSpec,
} from '../machines/messages.ts';
import type { LaunchInput } from '../machines/process-model.ts';
import { atMost } from '../patience.ts';
import {
  createCommand,
  execCommand,
  isRunc,
  type Launching,
  type RuncLocation,
  restoreCommand,
  runCommand,
  startCommand,
} from '../runc/command.ts';
import { execFifoOf } from '../runc/state-file.ts';
import type { ShimClient } from '../shim/client.ts';
import { checkArgumentLimit } from './argument-limit.ts';
import { explainLaunch } from './launch-failure.ts';
import type { LeftAlone } from './left-alone.ts';
import { holdLeftExec } from './left-exec.ts';
import { inNewFolder } from './new-folder.ts';
import {
  ASKED_ENV,
  errandOf,
  logFileOf,
  pidFileOf,
  recordOf,
  startedErrand,
  startedFileOf,
} from './record.ts';
import { runcEnv } from './run-runc.ts';
import type { StateDir } from './state-dir.ts';

export type LaunchOptions = {
  runc: RuncLocation;
  stateDir: StateDir;
  shim: () => ShimClient;
  errands: Errands;
  /** The criu to use; empty for the one in PATH. */
  criu: string;
  /**
   * Resolves once all that was told of a former container of this id is in the journal, and the shim has forgotten it;
   * undefined where nothing was.
   */
  told: (id: string) => Promise<void> | undefined;
  /** Containers of a former daemon whose names are not free, though there is none of them here. */
  leftAlone: Pick<LeftAlone, 'has'>;
  /** Why nothing can be started of which the journal is to tell; undefined where there is no reason. */
  blocked: () => string | undefined;
  /** Who an exec is could not be written down. */
  onUnwritten: (error: unknown, about: { id: string; process: string }) => void;
  /** Resolves once no runc of a shim that was lost is at work. */
  settleLost: () => Promise<void>;
  /** How long a runc may take to start a process, and to restore a container. */
  timeoutMs: number;
  restoreTimeoutMs: number;
};

/** How long what was killed may take to end. */
const DEATH_TIMEOUT_MS = 5_000;

/** How long to wait for the journal; where a disk does not take it, the shim says what is in the way. */
const TOLD_TIMEOUT_MS = 10_000;

/** A shim of an earlier version of proto/shim.proto writes nothing down. */
const RECORDS_SINCE = 2;

/** And one that is earlier than this does not write down who an exec is, and lets a process go by a program alone. */
const STARTED_SINCE = 3;

/** Where the files of one launch are, in the container's folder. */
const filesOf = (folder: string, process: string) => ({
  folder,
  pidFile: pidFileOf(folder, process),
  logFile: logFileOf(folder, process),
  startedFile: process === INIT ? '' : startedFileOf(folder, process),
  processFile: `${folder}/${process}.json`,
  workPath: `${folder}/criu`,
});

/**
 * Has the shim run the runc that starts a process, and gives the pid that runc leaves behind. Throws a
 * ContainerdError with runc's own words; nothing of an exec is left then, and of a container what `delete` removes.
 */
export function createLaunch(options: LaunchOptions) {
  return async (input: LaunchInput): Promise<Launched> => {
    const { id, process, launch } = input;
    const files = filesOf(options.stateDir.container(id), process);
    try {
      const { pid, startTime, unwritten } = await (launch.kind === 'adopt'
        ? options.shim().awaitStart({ container: id, process })
        : start(options, input, files));
      crashPoint('launch.started');
      const launched = { pid, startTime: String(startTime) };
      // It runs: only a daemon that has lost the shim too would miss what is not written down.
      const missed = (error: unknown) => options.onUnwritten(error, { id, process });
      if (unwritten !== '') missed(new Error(unwritten));
      // An older shim does not write it, nor any that an older daemon has asked for this start.
      if (process !== INIT && (launch.kind === 'adopt' || options.shim().version < STARTED_SINCE))
        await options.errands(startedErrand(files.folder, process, launched)).catch(missed);
      return launched;
    } catch (error) {
      // Whatever keeps it from being explained, it is undone.
      const explained = await explainLaunch(error, options, files, input).catch((trouble) => trouble);
      crashPoint('launch.failed');
      if (process !== INIT) {
        await killLeft(options, files, input);
        await options.errands({
          what: 'remove',
          files: [files.pidFile, files.logFile, files.startedFile, files.processFile],
        });
        crashPoint('launch.exec-undone');
      }
      throw explained;
    }
  };
}

/** Where a shim was lost, the runc that it ran may have come to leave an exec, of which the client is told that it failed. */
async function killLeft(
  { runc }: LaunchOptions,
  { folder }: Files,
  { id, process }: LaunchInput,
): Promise<void> {
  const left = await holdLeftExec({ runc: runc.root, folder }, id, process);
  if (left === undefined) return;
  left.held.kill();
  // The kernel may not let it end, frozen or waiting for a disk.
  await atMost(
    DEATH_TIMEOUT_MS,
    left.held.ended.then(() => {}),
  );
  left.held.release();
}

/** Writes down what is about to be started, then has it started. */
async function start(options: LaunchOptions, input: LaunchInput, files: Files) {
  const { stateDir, shim, errands, told, timeoutMs, restoreTimeoutMs } = options;
  const { id, process, spec, stdio, inherited, launch } = input;
  // Before all else that can fail: what is left of a start that failed is removed.
  if (process === INIT && (await options.leftAlone.has(id))) throw new ContainerdError('containerExists');
  const why = options.blocked();
  if (why !== undefined) throw new ContainerdError('stateDir', why);
  const env = process === INIT ? spec.env : withPath(spec.env, inherited);
  if (launch.kind !== 'restore') checkArgumentLimit([...spec.args, ...env], inherited);
  if (process === INIT) {
    // Its exit was told before it is in the journal, and the shim keeps one of a name.
    await atMost(TOLD_TIMEOUT_MS, told(id));
    crashPoint('launch.told');
  }
  const record =
    process === INIT
      ? recordOf(files.folder, createOf(input))
      : execRecord(files, execProcess(spec, env, inherited, await consoleSize(stdio.console)));
  const anew = <T>(make: () => Promise<T>) => inNewFolder(files.folder, options.runc.root, make);
  // CRIU has a folder in the new one.
  const isWritten = launch.kind === 'restore' || shim().version < RECORDS_SINCE;
  if (isWritten) {
    await anew(() => errands(errandOf(record)));
    crashPoint('launch.recorded');
  }
  const consoleSocket = spec.terminal ? stateDir.newConsoleSocket() : '';
  const request = {
    key: { container: id, process },
    ...(await commandLines(options, input, { id, consoleSocket, ...files })),
    env: runcEnv(),
    cwd: '/',
    pidFile: files.pidFile,
    startedFile: shim().version < STARTED_SINCE ? '' : files.startedFile,
    ...stdio,
    consoleSocket,
    timeoutMs: launch.kind === 'restore' ? restoreTimeoutMs : timeoutMs,
    append: launch.kind === 'restore',
    record: isWritten ? undefined : record,
  };
  const starting = anew(() => shim().start(request));
  // The shim removes it, where it lives to do so.
  if (consoleSocket !== '') await starting.catch(() => errands({ what: 'remove', files: [consoleSocket] }));
  return starting;
}

/** The request that asked for a container, but for its number, which is over with the daemon that took it. */
const createOf = ({ id, bundlePath, spec, inherited, stdio, launch }: LaunchInput): CreateRequest => ({
  type: 'create',
  requestId: '',
  id,
  bundlePath,
  stdio,
  spec,
  inherited,
  hooks: launch.kind === 'start' && launch.hooks,
  checkpoint: launch.kind === 'restore' ? launch.checkpoint : '',
});

type Files = ReturnType<typeof filesOf>;

/** What the shim is to run for it: one program, or one and then another, if not what does the same. */
type CommandLines = { argv: string[]; startArgv: string[]; startFifo: string };

async function commandLines(
  { runc, criu, shim }: LaunchOptions,
  { launch, bundlePath, inherited }: LaunchInput,
  options: Launching & Files,
): Promise<CommandLines> {
  switch (launch.kind) {
    case 'start': {
      const launching = { ...options, bundle: bundlePath };
      const created = { argv: createCommand(runc, launching), startArgv: startCommand(runc, launching) };
      // The shim may schedule the runtime as it likes: a hook's daemon would go on so, and a bundle may say how init is to be.
      const isFree = !launch.hooks && inherited.process.scheduler === undefined;
      if (isFree && shim().version >= STARTED_SINCE && isRunc(runc))
        return { ...created, startFifo: execFifoOf(runc.root, options.id) };
      // A process with a terminal waits until that has its client's size. All others start by one runc, not two.
      return options.consoleSocket === ''
        ? { argv: runCommand(runc, launching), startArgv: [], startFifo: '' }
        : { ...created, startFifo: '' };
    }
    case 'exec':
      return { argv: execCommand(runc, options), startArgv: [], startFifo: '' };
    case 'adopt':
      throw new Error('a start in flight is not started again');
    case 'restore': {
      const flags = await withBundle(() => readRestoreFlags(bundlePath, launch.checkpoint));
      const imagePath = imagesOf(bundlePath, launch.checkpoint);
      await mkdir(options.workPath, { mode: 0o700 });
      crashPoint('launch.restore-prepared');
      const restoring = { ...options, ...flags, criu, imagePath, bundle: bundlePath };
      return { argv: restoreCommand(runc, restoring), startArgv: [], startFifo: '' };
    }
  }
}

/** An exec's environment: what was asked for, and the bundle's PATH where it has none. */
const withPath = (env: string[], { path }: Inherited): string[] =>
  path === '' || env.some((entry) => entry.startsWith('PATH=')) ? env : [...env, path];

const execRecord = ({ processFile: file }: Files, text: string): StartRecord => ({ folder: '', file, text });

/** The process of an exec (OCI runtime specification, `process`): what was asked for, the rest as the container's. */
const execProcess = (
  spec: ProcessSpec,
  env: string[],
  inherited: Inherited,
  size: WindowSize | undefined,
): string => {
  const process = { ...inherited.process, ...spec, env, ...(size && { consoleSize: size }) };
  return JSON.stringify({ ...process, [ASKED_ENV]: spec.env });
};

/** The size of a client's terminal, for an exec's, which runs at once; undefined where there is none to be had. */
async function consoleSize(console: string): Promise<WindowSize | undefined> {
  if (console === '') return undefined;
  const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants;
  const terminal = await pinned(console, { followLast: false }, (pin) =>
    open(pin, O_RDONLY | O_NONBLOCK | O_NOCTTY),
  ).catch(() => undefined);
  try {
    return terminal && windowSize(terminal.fd);
  } catch {
    // The shim says what it is instead.
    return undefined;
  } finally {
    await terminal?.close();
  }
}
