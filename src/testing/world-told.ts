import { INIT, type Notice, type ShimExited } from '../machines/messages.ts';
import { type Message, type World, withContainer, without, wrong } from './world.ts';
import { afterOom, toldOfOom } from './world-oom.ts';

/** What clients and subscribers are told in a world, and what is wrong with it. */

/** A client is answered. */
export function reply(world: World, requestId: string): World {
  const at = world.clients.findIndex(({ asked }) => asked?.requestId === requestId);
  if (at < 0) return wrong(world, `${requestId} was answered again`);
  const clients = world.clients.map((client, n) => (n === at ? { ...client, asked: null } : client));
  return { ...world, clients };
}

/** Whoever waits for this container is answered. */
export function abandon(world: World, id: string): World {
  return world.clients.reduce(
    (next, { asked }) => (asked?.id === id ? reply(next, asked.requestId) : next),
    world,
  );
}

/** Subscribers are told. */
export function tellAll(world: World, notice: Notice): World {
  const next = { ...world, told: [...world.told, notice] };
  const container = world.containers[notice.id];
  if (notice.type === 'oom') return toldOfOom(next, notice.id, notice.kills ?? 0);
  if (notice.type !== 'exit') return next;
  const { id, process } = notice;
  // The exit of init is told once its container is forgotten.
  if (process === INIT && world.owed.includes(id)) {
    return { ...next, owed: world.owed.filter((it) => it !== id) };
  }
  if (container === undefined) return wrong(next, `an exit of ${id}/${process} was told, but ${id} is gone`);
  if (container.kernel[process] !== 'dead')
    return wrong(next, `an exit of ${id}/${process} was told that none knows of`);
  return afterOom(withContainer(next, id, { kernel: without(container.kernel, process) }), id, process);
}

/** A container is gone: of what it had nothing may be left but that its init's exit is to be told. */
export function forget(world: World, id: string): World {
  const { kernel = {} } = world.containers[id] ?? {};
  const left = Object.entries(without(kernel, INIT)).map(([process, how]) => `${process} (${how})`);
  const init = kernel[INIT];
  const told = init === 'dead' ? afterOom(world, id, INIT) : world;
  const next = {
    ...told,
    owed: init === 'dead' ? [...world.owed, id] : world.owed,
    containers: without(world.containers, id),
    effects: world.effects.filter((it) => it.of.id !== id),
  };
  if (init === 'alive') left.push('init (alive)');
  return left.length === 0 ? next : wrong(next, `${id} was deleted, and left ${left.join(', ')}`);
}

/** Execs of which nobody has heard for so long are given up, whenever they end. */
export function withoutExecs(world: World, id: string): World {
  const { [INIT]: init } = world.containers[id]?.kernel ?? {};
  const isOfExec = ({ event }: Message): boolean => {
    const exited = event as Partial<ShimExited>;
    return exited.type === 'shim.exited' && exited.id === id && exited.process !== INIT;
  };
  const next = { ...world, flight: world.flight.filter((it) => !isOfExec(it)) };
  return withContainer(next, id, { kernel: init === undefined ? {} : { [INIT]: init } });
}
