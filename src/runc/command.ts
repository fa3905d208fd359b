import path from 'node:path';

/** The command lines of runc (1.1.5, `runc help`), one function a verb; nothing here runs anything. */

/** Which runc, and where it keeps its state. */
export type RuncLocation = {
  /** Name (looked up in PATH) or path. */
  command: string;
  /** runc's `--root`. */
  root: string;
};

/** Whether it is a runc, by its name: of what another runtime keeps, nothing is known. */
export const isRunc = ({ command }: RuncLocation): boolean => path.basename(command) === 'runc';

/** What `run`, `create`, `exec` and `restore` have in common: they write down the pid of the process they leave behind. */
export type Launching = {
  id: string;
  pidFile: string;
  /** Where runc logs as JSON lines: its last error line says why it failed. */
  logFile: string;
  /** Where runc sends the terminal's master; empty for no terminal. */
  consoleSocket: string;
};

/** The flags of a checkpoint, for `checkpoint` and again for `restore`. */
export type CriuFlags = {
  imagePath: string;
  workPath: string;
  tcp: boolean;
  unixSockets: boolean;
  shell: boolean;
  /** The criu to use; empty for the one in PATH. */
  criu: string;
};

const withTerminal = (consoleSocket: string): string[] =>
  consoleSocket === '' ? [] : ['--console-socket', consoleSocket];

const withCriu = ({ imagePath, workPath, tcp, unixSockets, shell }: CriuFlags): string[] => [
  '--image-path',
  imagePath,
  '--work-path',
  workPath,
  ...(tcp ? ['--tcp-established'] : []),
  ...(unixSockets ? ['--ext-unix-sk'] : []),
  ...(shell ? ['--shell-job'] : []),
];

function globalFlags({ command, root }: RuncLocation, logFile = '', criu = ''): string[] {
  return [
    command,
    '--root',
    root,
    ...(logFile === '' ? [] : ['--log', logFile]),
    '--log-format',
    'json',
    ...(criu === '' ? [] : ['--criu', criu]),
  ];
}

const launching = ({ pidFile, consoleSocket }: Launching): string[] => [
  '--pid-file',
  pidFile,
  ...withTerminal(consoleSocket),
];

const detached = (options: Launching): string[] => ['--detach', ...launching(options)];

/** Creates and starts the container of a bundle. */
export const runCommand = (runc: RuncLocation, options: Launching & { bundle: string }): string[] => [
  ...globalFlags(runc, options.logFile),
  'run',
  ...detached(options),
  '--bundle',
  options.bundle,
  '--',
  options.id,
];

/** Creates the container of a bundle, whose process waits until it is started. */
export const createCommand = (runc: RuncLocation, options: Launching & { bundle: string }): string[] => [
  ...globalFlags(runc, options.logFile),
  'create',
  ...launching(options),
  '--bundle',
  options.bundle,
  '--',
  options.id,
];

/** Starts the process of a container that has been created. */
export const startCommand = (runc: RuncLocation, { id, logFile }: Launching): string[] => [
  ...globalFlags(runc, logFile),
  'start',
  '--',
  id,
];

/** Runs the process that a JSON file describes in a container. */
export const execCommand = (runc: RuncLocation, options: Launching & { processFile: string }): string[] => [
  ...globalFlags(runc, options.logFile),
  'exec',
  ...detached(options),
  '--process',
  options.processFile,
  '--',
  options.id,
];

/** Restores a container from a checkpoint of its bundle. */
export const restoreCommand = (
  runc: RuncLocation,
  options: Launching & CriuFlags & { bundle: string },
): string[] => [
  ...globalFlags(runc, options.logFile, options.criu),
  'restore',
  ...detached(options),
  ...withCriu(options),
  '--bundle',
  options.bundle,
  '--',
  options.id,
];

/** Writes a checkpoint; the container ends unless it is left running. */
export const checkpointCommand = (
  runc: RuncLocation,
  options: CriuFlags & { id: string; leaveRunning: boolean },
): string[] => [
  ...globalFlags(runc, '', options.criu),
  'checkpoint',
  ...withCriu(options),
  ...(options.leaveRunning ? ['--leave-running'] : []),
  '--',
  options.id,
];

export const pauseCommand = (runc: RuncLocation, id: string): string[] => [
  ...globalFlags(runc),
  'pause',
  '--',
  id,
];

export const resumeCommand = (runc: RuncLocation, id: string): string[] => [
  ...globalFlags(runc),
  'resume',
  '--',
  id,
];

/** Removes an ended container; with `force`, kills what is left of it first. */
export const deleteCommand = (runc: RuncLocation, id: string, force: boolean): string[] => [
  ...globalFlags(runc),
  'delete',
  ...(force ? ['--force'] : []),
  '--',
  id,
];
