import path from 'node:path';
import { CliError } from './error.ts';

/** Where the daemon listens unless it is told otherwise. */
export const DEFAULT_ADDRESS = '/run/containerd/containerd.sock';

/** What fits into sun_path of unix(7), without its final NUL. */
const MAX_SOCKET_PATH_BYTES = 107;

/** The absolute path of the socket that `path` or `unix://path` names. Throws a `CliError` for anything else. */
export function parseAddress(address: string): string {
  const given = address.replace(/^unix:(\/\/)?/, '');
  if (given === '') throw new CliError('the address is empty');
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(given)?.[1];
  if (scheme !== undefined) throw new CliError(`${scheme} is not supported: the address is a unix socket's`);
  const socketPath = path.resolve(given);
  if (Buffer.byteLength(socketPath) > MAX_SOCKET_PATH_BYTES) {
    throw new CliError(`${socketPath} is longer than the ${MAX_SOCKET_PATH_BYTES} bytes of a socket's path`);
  }
  return socketPath;
}
