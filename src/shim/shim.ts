import { rmSync } from 'node:fs';
import type { Logger } from 'pino';
import { crashPoint } from '../crash-point.ts';
import type { Key, Start } from '../generated/shim.ts';
import { closeInheritedOnExec } from '../linux/descriptor.ts';
import { flock } from '../linux/flock.ts';
import { setChildSubreaper } from '../linux/subreaper.ts';
import { createCommands } from './commands.ts';
import { createDeparture } from './departure.ts';
import { createInheritance } from './inheritance.ts';
import { lockPathIn, socketPathIn } from './places.ts';
import { Processes } from './processes.ts';
import { createReaper } from './reaper.ts';
import { runCommand, runRuntime, runStart } from './runtime.ts';
import { createRush } from './rush.ts';
import { createSealedRuntimes } from './sealed-runtime.ts';
import { type Server, serve } from './server.ts';
import { openConsole } from './stdio/console.ts';
import { openPipes } from './stdio/pipes.ts';
import type { ProcessStdio, StreamName } from './stdio/stdio.ts';
import { createStrays } from './strays.ts';

/** What files get that runtimes and containers make without asking for a mode of their own. */
const UMASK = 0o022;

export type ShimOptions = {
  stateDir: string;
  /** The soft limit of descriptors that containers are to have; undefined: this process's own. */
  softDescriptors: bigint | undefined;
  log: Logger;
  /** Called once there is nothing left to do; the socket is gone by then. */
  onLeave: () => void;
};

/**
 * Makes this process the shim of a state directory. Resolves with true once it listens, with false where another process
 * serves the directory already.
 */
export async function runShim({ stateDir, softDescriptors, log, onLeave }: ShimOptions): Promise<boolean> {
  const socketPath = socketPathIn(stateDir);
  if (flock(lockPathIn(stateDir)) === undefined) {
    return false;
  }
  crashPoint('shim.locked');
  closeInheritedOnExec();
  process.umask(UMASK);
  setChildSubreaper();
  // Whoever left a socket behind has lost the lock, so is gone.
  rmSync(socketPath, { force: true });

  let server: Server | undefined;
  const inheritance = createInheritance(softDescriptors);
  const strays = createStrays();
  const reaper = createReaper(strays.keep);
  const running = { reaper, inheritance, sealed: createSealedRuntimes(), rush: createRush() };
  const processes = new Processes({
    reaper,
    strays,
    openStdio: (request, key) => openStdio(request, key, log),
    run: (request, stdio) => runRuntime(request, stdio, running),
    runStart: (request) => runStart(request, running),
    onExited: (exit) => server?.tell(exit),
    onLess: () => departure.look(),
  });
  const commands = createCommands(
    (request) => runCommand(request, running),
    () => departure.look(),
  );
  const departure = createDeparture(
    () => processes.busy || commands.busy,
    () => {
      log.info('nothing is left to do');
      // Before the lock is released, which ends with the process: afterwards it may be another's.
      rmSync(socketPath, { force: true });
      crashPoint('shim.leaving');
      onLeave();
    },
  );
  server = await serve({ socketPath, services: { processes, commands }, onDaemon: departure.daemon, log });
  crashPoint('shim.listening');
  return true;
}

function openStdio(request: Start, { container, process }: Key, log: Logger): Promise<ProcessStdio> {
  const onError = (stream: StreamName, error: unknown): void =>
    log.warn({ container, process, stream, err: error }, 'what a process says or hears is lost');
  return request.consoleSocket === '' ? openPipes(request, onError) : openConsole(request, onError);
}
