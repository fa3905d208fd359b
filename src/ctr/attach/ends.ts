import type { Output } from './output.ts';

/** Where a process reads and writes, as requests carry it; empty where it does not. */
export type Stdio = { stdin: string; stdout: string; stderr: string; console: string };

export const NO_STDIO: Stdio = { stdin: '', stdout: '', stderr: '', console: '' };

/** Our side of a process's stdio. */
export type Ends = {
  /** What the process is to be started with. */
  readonly stdio: Stdio;
  /** The process has been started, and so has its stdio open: copies between it and ours; gives what it prints. */
  begin(): readonly Output[];
  /** Closes and removes whatever there is, at any time; at once, as it may be the last thing that we do. */
  close(): void;
};
