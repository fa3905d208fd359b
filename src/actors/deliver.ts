import { ContainerdError } from '../errors.ts';
import type { SignalInput, UpdateInput } from '../machines/process.ts';
import type { ShimClient } from '../shim/client.ts';
import { ShimError } from '../shim/error.ts';

const EINVAL = 22;

function explain(error: unknown, signal: number): unknown {
  if (!(error instanceof ShimError)) return error;
  if (error.reason === 'noProcess') return new ContainerdError('processNotFound', '', { cause: error });
  if (error.reason === 'lost') return new ContainerdError('shimLost', error.message, { cause: error });
  if (error.errno === EINVAL) return new ContainerdError('unknownSignal', String(signal), { cause: error });
  return new ContainerdError('internal', error.message, { cause: error });
}

/** Signals a process through the shim, which alone knows that a pid is still ours. */
export const createSignal =
  (shim: () => ShimClient) =>
  async ({ id, process, signal }: SignalInput): Promise<void> => {
    try {
      await shim().kill({ container: id, process }, signal);
    } catch (error) {
      throw explain(error, signal);
    }
  };

/** Resizes a process's terminal, or ends its stdin. */
export const createUpdate =
  (shim: () => ShimClient) =>
  async ({ id, process, closeStdin, width, height }: UpdateInput): Promise<void> => {
    try {
      await shim().update({ container: id, process }, { closeStdin, width, height });
    } catch (error) {
      throw explain(error, 0);
    }
  };
