import path from 'node:path';
import { groupId } from '../linux/group.ts';
import { DEFAULT_ADDRESS, parseAddress } from './address.ts';
import { addMachines, addReplay, type ChartCommand } from './chart-commands.ts';
import { CliError } from './error.ts';
import { boolFlag, durationFlag, integerFlag, nameFlag, valueFlag } from './flags.ts';
import { addHelpCommand, complaintOf, createProgram, type Ending } from './program.ts';

/** Port 0: any that is free. */
export type InspectAddress = { host: string; port: number };

/** What the daemon is told by its command line. */
export type DaemonFlags = {
  /** How this daemon is called in `Machine.id`. */
  id: string;
  debug: boolean;
  /** Absolute. */
  stateDir: string;
  /** How many containers are started at a time. */
  concurrency: number;
  metricsIntervalMs: number;
  /** Absolute path of the socket. */
  listen: string;
  /** Id of the group that may connect, if it is not this process's own. */
  group: number | undefined;
  oomNotify: boolean;
  /** A name to be found in PATH, or an absolute path. */
  runtime: string;
  /** The containers go on when the daemon is told to end. */
  liveRestore: boolean;
  /** `host:port`, or empty: none. */
  graphiteAddress: string;
  /** How long the runtime may take to do one thing. */
  runtimeTimeoutMs: number;
  /** How long it may take to checkpoint or to restore a container. */
  checkpointTimeoutMs: number;
  journalBytes: number;
  journalAgeMs: number;
  /** Where the live page is served; undefined: nowhere. */
  inspect: InspectAddress | undefined;
  /** The live page shows args and env whole. */
  inspectSecrets: boolean;
};

/** What commander makes of the flags below: their names in camel case, their values parsed. */
type Parsed = Omit<
  DaemonFlags,
  'metricsIntervalMs' | 'runtimeTimeoutMs' | 'checkpointTimeoutMs' | 'journalAgeMs'
> & {
  metricsInterval: number;
  runtimeTimeout: number;
  checkpointTimeout: number;
  journalAge: number;
};

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Timers of Node take no more; a longer one would be over at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const MAX_AGE_MS = 36_500 * DAY_MS;
/** 107 bytes are a socket's path (unix(7)), of which the longest in it, of a console, takes 27. */
const MAX_STATE_DIR_BYTES = 80;
const NO_ID = 0xffff_ffff;
const JOURNAL_BYTES = 64 * 2 ** 20;
/** A few events: whoever says less has meant another unit. */
const MIN_JOURNAL_BYTES = 512;
const LOOPBACK = '127.0.0.1';

const flags = (hostname: string) => [
  nameFlag('--id', 'unique containerd id to identify the instance', hostname),
  boolFlag('--debug', 'enable debug output in the logs'),
  valueFlag('--state-dir', 'runtime state directory', shown('/run/containerd'), parseStateDir),
  integerFlag('-c, --concurrency', 'set the concurrency level for tasks', { value: 10, min: 1 }),
  durationFlag('--metrics-interval', 'interval for flushing metrics to the store', {
    valueMs: MINUTE_MS,
    minMs: 1,
    maxMs: MAX_TIMER_MS,
  }),
  valueFlag('--listen, -l', 'Address on which GRPC API will listen', shown(DEFAULT_ADDRESS), parseAddress),
  valueFlag(
    '--group',
    'name or id of the group that may connect',
    { value: undefined, shown: '' },
    parseGroup,
  ),
  boolFlag('--oom-notify', 'enable oom notifications for containers'),
  boolFlag('--live-restore', 'leave the containers running when told to end'),
  valueFlag('--runtime', 'name or path of the runtime', shown('runc'), parseRuntime),
  durationFlag('--runtime-timeout', 'how long the runtime may take', {
    valueMs: 2 * MINUTE_MS,
    minMs: 1,
    maxMs: MAX_TIMER_MS,
  }),
  durationFlag('--checkpoint-timeout', 'how long a checkpoint or a restore may take', {
    valueMs: 10 * MINUTE_MS,
    minMs: 1,
    maxMs: MAX_TIMER_MS,
  }),
  valueFlag('--graphite-address', 'host:port of a Graphite server', shown(''), parseGraphiteAddress),
  integerFlag('--journal-bytes', 'size of the journal of events', {
    value: JOURNAL_BYTES,
    min: MIN_JOURNAL_BYTES,
  }),
  durationFlag('--journal-age', 'how long the journal keeps an event', {
    valueMs: 7 * DAY_MS,
    minMs: 1,
    maxMs: MAX_AGE_MS,
  }),
  valueFlag('--inspect', 'host:port of the live page', NONE, parseInspect),
  boolFlag('--inspect-secrets', 'show args and env on the live page'),
];

const NONE: { value: InspectAddress | undefined; shown: string } = { value: undefined, shown: '' };
const shown = (value: string) => ({ value, shown: value });

function parseStateDir(text: string): string {
  if (text === '') throw new CliError('must not be empty');
  const stateDir = path.resolve(text);
  if (Buffer.byteLength(stateDir) > MAX_STATE_DIR_BYTES) {
    throw new CliError(`must be no longer than ${MAX_STATE_DIR_BYTES} bytes, as there are sockets in it`);
  }
  return stateDir;
}

/** What is a number is an id, whether a group has it or not. */
function parseGroup(text: string): number {
  const id = /^\d+$/.test(text) ? Number(text) : groupId(text);
  if (id === undefined) throw new CliError('there is no such group');
  // (gid_t) -1 means "leave as it is" to chown(2).
  if (id >= NO_ID) throw new CliError('is out of range');
  return id;
}

/** As a shell looks for a program: what holds a slash is a path. */
function parseRuntime(text: string): string {
  if (text === '') throw new CliError('must not be empty');
  return text.includes('/') ? path.resolve(text) : text;
}

function parseGraphiteAddress(text: string): string {
  const port = /^(?:[^\s:/[\]]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/.exec(text)?.[1];
  if (text !== '' && !(Number(port) >= 1 && Number(port) <= 65_535)) throw new CliError('must be host:port');
  return text;
}

/** The port alone is one of this host's own. A browser says a host's name in lower case, however it was typed. */
function parseInspect(text: string): InspectAddress {
  const [, host, port] = /^(?:(?:([^\s:/[\]]+|\[[0-9A-Fa-f:.]+\])?:)?)(\d{1,5})$/.exec(text) ?? [];
  if (!(Number(port) <= 65_535)) throw new CliError('must be host:port');
  return { host: host?.replace(/^\[(.*)\]$/, '$1')?.toLowerCase() ?? LOOPBACK, port: Number(port) };
}

/**
 * Reads the daemon's command line, without the program's own name. Either the daemon is to run with these flags, or
 * there is something to be said of its charts, or something to print (help, version, what is wrong) and to exit.
 */
export function parseDaemonFlags(
  argv: string[],
  defaults: { hostname: string },
):
  | { kind: 'run'; flags: DaemonFlags }
  | { kind: 'charts'; command: ChartCommand }
  | ({ kind: 'exit' } & Ending) {
  let stdout = '';
  const program = createProgram('containerd', 'High performance container daemon', (text) => {
    stdout += text;
  });
  for (const flag of flags(defaults.hostname)) program.addOption(flag);
  let command: ChartCommand | undefined;
  const take = (taken: ChartCommand) => {
    command = taken;
  };
  addMachines(program, take);
  addReplay(program, take);
  addHelpCommand(program);
  let parsed: DaemonFlags | undefined;
  program.allowExcessArguments().action(() => {
    const [unknown] = program.args;
    if (unknown !== undefined) throw new CliError(`unknown command '${unknown}'`);
    const { metricsInterval, runtimeTimeout, checkpointTimeout, journalAge, ...rest } =
      program.opts<Parsed>();
    parsed = {
      ...rest,
      metricsIntervalMs: metricsInterval,
      runtimeTimeoutMs: runtimeTimeout,
      checkpointTimeoutMs: checkpointTimeout,
      journalAgeMs: journalAge,
    };
  });
  let complaint: string | undefined;
  try {
    program.parse(argv, { from: 'user' });
  } catch (thrown) {
    complaint = complaintOf(thrown);
  }
  if (parsed !== undefined) return { kind: 'run', flags: parsed };
  if (command !== undefined) return { kind: 'charts', command };
  if (complaint === undefined) return { kind: 'exit', status: 0, stdout, stderr: '' };
  return { kind: 'exit', status: 1, stdout: '', stderr: `[containerd] ${complaint}\n` };
}
