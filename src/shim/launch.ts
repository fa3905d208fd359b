import type { ConnectOptions, ShimClient } from './client.ts';

export type LaunchOptions = Omit<ConnectOptions, 'socketPath'> & {
  /** The state directory, which exists; the shim's socket, lock and log are in it. */
  stateDir: string;
  /** Program and arguments that run the shim; `--state-dir` is added. */
  program: readonly string[];
  /** Its environment; CONTAINERD_NOFILE (`soft:hard`) is the descriptor limit that containers are to have. */
  env: Readonly<Record<string, string | undefined>>;
};

/**
 * Connects to the shim of a state directory; starts it first, in a session of its own, where none runs.
 * Rejects if it cannot be started, with the end of its log.
 */
export declare function ensureShim(options: LaunchOptions): Promise<ShimClient>;
