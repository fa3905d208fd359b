import type { Adopted } from '../machines/adopt.ts';
import type { ProcessEntry } from '../machines/container-model.ts';
import { INIT, type ShimExited } from '../machines/messages.ts';
import type { Restored } from '../machines/supervisor-model.ts';
import { requestOf, SPEC } from './request.ts';
import { type Container, exitOf, NO_STATE, pidOf, type World, wrong } from './world.ts';

/** What a daemon leaves that leaves its containers, and what the next one takes up. */

/** What has become of the containers of a former daemon; it is looked up when it is heard. */
export const NOTHING_RESTORED: Restored = { adopted: [], untold: [] };

/** What is done by runc, which does not notice that the daemon has gone. */
const GOES_ON = new Set(['launch', 'pause', 'resume', 'killFrozen', 'checkpoint', 'delete']);

/** The world without the daemon: its charts are gone, and what it had been told. */
export function leftBehind(world: World): World {
  const hasInit = ([, { kernel }]: [string, Container]) => INIT in kernel;
  const containers = Object.fromEntries(
    Object.entries(world.containers)
      .filter(hasInit)
      .map(([id, it]) => [id, { ...it, state: NO_STATE, processes: {}, oom: { ...it.oom, heard: 0 } }]),
  );
  const effects = world.effects.filter(({ src, of }) => GOES_ON.has(src) && of.id in containers);
  const left = { ...world, ended: true, flight: [], effects, containers };
  const waits = world.clients.find(({ asked }) => asked !== null)?.asked;
  return waits ? wrong(left, `${waits.requestId} is not answered by a daemon that goes`) : left;
}

/** Whether the shim is still starting it. */
const isLaunching = ({ effects }: World, id: string, process: string): boolean =>
  effects.some(({ src, of }) => src === 'launch' && of.id === id && of.process === process);

/** The exits that the shim has kept, as nobody was told of them. */
export const exitsKept = (world: World): ShimExited[] =>
  Object.entries(world.containers).flatMap(([id, { kernel }]) =>
    Object.entries(kernel).flatMap(([process, how]) => (how === 'dead' ? exitOf({ id, process }) : [])),
  );

/** What there is to take up: what runs, what is being started, and what has ended with nobody told. */
export function adoptedIn(world: World): Adopted[] {
  return Object.entries(world.containers)
    .filter(([, { kernel }]) => INIT in kernel)
    .map(([id, { kernel, frozen, oom }]): Adopted => {
      const processes = Object.keys(kernel).map((process): ProcessEntry => {
        const launched = isLaunching(world, id, process)
          ? { pid: 0, startTime: '' }
          : { pid: pidOf(process), startTime: '1' };
        return { process, requestId: '', spec: SPEC, ...launched };
      });
      const numbers = Object.keys(kernel).map((process) => pidOf(process) - pidOf(INIT));
      return {
        create: { ...requestOf('create', '', id), type: 'create' } as Adopted['create'],
        status: isLaunching(world, id, INIT) ? 'launching' : frozen ? 'paused' : 'running',
        processes,
        execs: Math.max(...numbers),
        oomKills: oom.told,
      };
    });
}
