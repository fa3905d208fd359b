import type { ClientReadableStream } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { followExits } from '../../../src/ctr/attach/exits.ts';
import type { Daemon } from '../../../src/ctr/daemon.ts';
import { Event, type EventsRequest } from '../../../src/generated/api.ts';

const gap = (sequence: number) => Event.fromPartial({ type: 'gap', sequence: BigInt(sequence) });
const exit = (pid: number, status: number) => Event.fromPartial({ type: 'exit', id: 'box', pid, status });

/** A daemon that tells each subscriber what is said here; the last of them is told no more, but not left. */
function daemonOf(...streams: Event[][]) {
  const asked: EventsRequest[] = [];
  const events = async (request: EventsRequest) => {
    asked.push(request);
    const told = streams[asked.length - 1] ?? [];
    const isLast = asked.length >= streams.length;
    let leave = () => {};
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    async function* tell() {
      yield* told;
      if (isLast) await left;
    }
    return Object.assign(tell(), { cancel: leave }) as unknown as ClientReadableStream<Event>;
  };
  return { asked, daemon: { events } as unknown as Daemon };
}

describe('the exits of a container', () => {
  it('are asked for again from the beginning where some may have been left out', async () => {
    const { asked, daemon } = daemonOf([gap(5)], [exit(7, 3)]);
    const exits = await followExits(daemon, 'box');
    expect(await exits.of(7)).toBe(3);
    expect(asked.map(({ since }) => since === 0n)).toEqual([true, false]);
    exits.close();
  });

  it('are read on behind what the journal itself has left out, which each replay tells', async () => {
    const { asked, daemon } = daemonOf([], [gap(5), exit(7, 3)], [gap(5), exit(7, 3)]);
    const exits = await followExits(daemon, 'box');
    expect(await exits.of(7)).toBe(3);
    expect(asked).toHaveLength(3);
    exits.close();
  });

  it('are asked for again at each gap that is another', async () => {
    const { asked, daemon } = daemonOf([gap(5)], [gap(9)], [gap(5), gap(9), exit(7, 3)]);
    const exits = await followExits(daemon, 'box');
    expect(await exits.of(7)).toBe(3);
    expect(asked).toHaveLength(3);
    exits.close();
  });
});
