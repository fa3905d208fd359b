import { type Container, type World, withContainer, without, wrong } from './world.ts';

/** What the kernel kills for want of memory, and whether it is told before the exit that it leads to. */

const change = (world: World, id: string, to: Partial<Container['oom']>): World => {
  const container = world.containers[id];
  return container === undefined ? world : withContainer(world, id, { oom: { ...container.oom, ...to } });
};

/** The kernel kills a process; its exit is yet to come. */
export function oomKill(world: World, id: string, process: string): World {
  const { kills, victims } = world.containers[id]?.oom ?? { kills: 0, victims: {} };
  const next = { ...world, oomKills: world.oomKills + 1 };
  return change(next, id, { kills: kills + 1, victims: { ...victims, [process]: kills + 1 } });
}

/** The daemon has heard of all of them by watching. */
export const heardOfOom = (world: World, id: string): World => {
  const { kills = 0 } = world.containers[id]?.oom ?? {};
  return change(world, id, { heard: kills });
};

/** Subscribers were told of so many. */
export const toldOfOom = (world: World, id: string, kills: number): World =>
  change(world, id, { told: kills });

/** Nobody can say whether it was killed so: that is logged. */
export function withoutVictim(world: World, id: string, process: string): World {
  const { victims = {} } = world.containers[id]?.oom ?? {};
  return change(world, id, { victims: without(victims, process) });
}

/** The exit of a process is told, or will be next. */
export function afterOom(world: World, id: string, process: string): World {
  const { told = 0, victims = {} } = world.containers[id]?.oom ?? {};
  const next = withoutVictim(world, id, process);
  return (victims[process] ?? 0) <= told
    ? next
    : wrong(next, `${id}/${process} was killed for want of memory, of which nobody was told before its exit`);
}
