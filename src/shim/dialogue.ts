import type { Socket } from 'node:net';
import { crashPoint } from '../crash-point.ts';
import { ContainerdError } from '../errors.ts';
import type { Frame } from '../generated/shim.ts';
import { ShimError, shimErrorOf } from './error.ts';
import { type Body, encodeFrame, FrameDecoder, MAX_FRAME_BYTES, nextId } from './frames.ts';

type Pending = { resolve: (body: Body) => void; reject: (error: Error) => void };

/**
 * The daemon's side of a connection to the shim: requests and their replies, which may come in any order, and what the
 * shim says unasked. Knows nothing of what it all means.
 * `onUnasked` is called after the reactions to every reply that came before; `onEnd` once, when the connection has ended.
 */
export function createDialogue(
  socket: Socket,
  onUnasked: (body: Body) => void,
  onEnd: (cause: ShimError) => void,
) {
  const pending = new Map<number, Pending>();
  const decoder = new FrameDecoder();
  let lastId = 0;
  let cause: ShimError | undefined;

  const receive = ({ id, body }: Frame): void => {
    if (body === undefined) {
      return;
    }
    const request = pending.get(id);
    pending.delete(id);
    if (request === undefined) {
      setImmediate(onUnasked, body);
    } else if (body.$case === 'failed') {
      request.reject(shimErrorOf(body.value));
    } else {
      request.resolve(body);
    }
  };
  const end = (reason: ShimError): void => {
    if (cause !== undefined) {
      return;
    }
    cause = reason;
    socket.destroy();
    for (const { reject } of pending.values()) {
      reject(reason);
    }
    pending.clear();
    setImmediate(onEnd, reason);
  };
  const lost = (message: string): void => end(new ShimError('lost', message));
  socket.on('data', (chunk) => {
    try {
      decoder.push(chunk).forEach(receive);
    } catch (error) {
      lost(`the shim cannot be understood: ${String(error)}`);
    }
  });
  socket.on('error', (error) => lost(`the connection to the shim failed: ${error.message}`));
  socket.on('close', () => lost('the shim closed the connection'));

  return {
    /**
     * Sends a request; rejects with a `ShimError`, which is `lost` where no answer came, or a `ContainerdError`
     * (`invalidArgument`) where it is longer than the shim takes.
     */
    request<Case extends Body['$case']>(body: Body, expected: Case): Promise<Extract<Body, { $case: Case }>> {
      return new Promise((resolve, reject) => {
        if (cause !== undefined) {
          reject(cause);
          return;
        }
        lastId = nextId(lastId, pending);
        const frame = encodeFrame(lastId, body);
        if (frame.byteLength > MAX_FRAME_BYTES) {
          // The shim would hang up, on everybody.
          const what = `what is asked for takes ${frame.byteLength} bytes, more than ${MAX_FRAME_BYTES}`;
          reject(new ContainerdError('invalidArgument', what));
          return;
        }
        pending.set(lastId, {
          resolve: (reply) =>
            reply.$case === expected
              ? resolve(reply as Extract<Body, { $case: Case }>)
              : reject(new ShimError('lost', `the shim answered ${body.$case} with ${reply.$case}`)),
          reject,
        });
        socket.write(frame);
        crashPoint('shim-client.asked');
      });
    },
    /** Ends the connection, giving the reason to whoever still waits. */
    end,
  };
}
