import type { AnyMachineSnapshot } from 'xstate';
import { stateName } from '../actors/transition-log.ts';
import type { ShimExited } from '../machines/messages.ts';
import { type WaitingLine, waitingIn } from '../machines/waiting-line.ts';
import { NO_OOM_KILLS, NO_STATE, type World } from './world.ts';

/** The charts by which worlds are told apart. */
type Told = {
  supervisor: AnyMachineSnapshot;
  /** The same for states that differ in the id of their container alone. */
  shapeOfContainer: (state: number) => number;
  shapeOfProcess: (state: number) => number;
};

/** The same for worlds that differ in nothing but which container has which id. */
export function keyOf(world: World, { supervisor, shapeOfContainer, shapeOfProcess }: Told): string {
  const { starting, queue, containers, early } = supervisor.context as {
    starting: string[];
    queue: WaitingLine;
    containers: number;
    early: ShimExited[];
  };
  const waiting = waitingIn(queue);
  const ids = new Set([
    ...Object.keys(world.containers),
    ...world.clients.flatMap(({ asked }) => asked?.id ?? []),
    ...world.flight.flatMap(({ from, to }) => [from.id, to.id]),
    ...world.owed,
    ...early.map(({ id }) => id),
  ]);
  const records = [...ids].map((id) => {
    const { state, processes = {}, kernel = {}, frozen, oom = NO_OOM_KILLS } = world.containers[id] ?? {};
    const quoted = JSON.stringify(id);
    return [
      state === undefined || state === NO_STATE ? state : shapeOfContainer(state),
      frozen,
      ...Object.entries(processes).map(([name, it]) => `${name}${shapeOfProcess(it)}${kernel[name]}`),
      ...Object.entries(kernel).map(([name, how]) => (name in processes ? '' : name + how)),
      ...world.effects.flatMap(({ of, name }) => (of.id === id ? `${of.process}:${name}` : [])).sort(),
      JSON.stringify(oom),
      starting.indexOf(id),
      waiting.indexOf(id),
      world.owed.filter((it) => it === id).length,
      ...early.flatMap((it) => (it.id === id ? it.process : [])),
      ...world.clients.map(({ asked }) =>
        asked?.id === id ? `${asked.requestId}${asked.cancelled ? 'x' : ''}` : '',
      ),
      ...world.flight.flatMap((it) =>
        it.from.id === id || it.to.id === id ? JSON.stringify(it).replaceAll(quoted, '"#"') : [],
      ),
    ].join();
  });
  const turns = world.clients.map(({ turn }) => turn).join('');
  return [
    stateName(supervisor.value),
    containers,
    turns,
    world.stops,
    world.oomKills,
    world.ended,
    ...records.sort(),
  ].join('|');
}
