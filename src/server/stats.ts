import type { ServerWritableStream } from '@grpc/grpc-js';
import type { StatsCollector } from '../actors/stats.ts';
import type { System } from '../actors/system.ts';
import { ContainerdError } from '../errors.ts';
import type { StatsRequest } from '../generated/api.ts';
import { serviceErrorOf } from './status.ts';
import { checkId } from './validate.ts';

export type StatsCall = ServerWritableStream<StatsRequest, Uint8Array>;

/**
 * Streams a container's samples until the client goes away, or the container does: then the stream ends with OK. A
 * client that reads too slowly misses samples, and none is kept for it.
 */
export function streamStats(
  call: StatsCall,
  system: Pick<System, 'find' | 'onGone'>,
  collector: Pick<StatsCollector, 'subscribe'>,
): void {
  const fail = (error: unknown) => void call.emit('error', serviceErrorOf(error));
  try {
    const id = checkId(call.request.id);
    const init = system.find(id)?.processes[0];
    if (init === undefined) throw new ContainerdError('containerNotFound');
    const unsubscribe = collector.subscribe(
      { id, pid: init.pid, startTime: init.startTime },
      {
        onSample: (stats) => {
          if (call.writableLength === 0) call.write(stats);
        },
        onFailed: fail,
      },
    );
    const forget = system.onGone(id, () => {
      leave();
      call.end();
    });
    const leave = () => {
      unsubscribe();
      forget();
    };
    call.on('cancelled', leave);
    call.on('finish', leave);
    call.on('close', leave);
  } catch (error) {
    fail(error);
  }
}
