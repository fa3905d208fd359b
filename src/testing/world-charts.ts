import type { AnyStateMachine } from 'xstate';
import { stateName } from '../actors/transition-log.ts';
import { type Adopted, adoptedSnapshot } from '../machines/adopt.ts';
import { containerMachine } from '../machines/container.ts';
import { effect } from '../machines/effect.ts';
import { processMachine } from '../machines/process.ts';
import { supervisorMachine } from '../machines/supervisor.ts';
import { type LocalStates, localStates, type Timer } from './local-states.ts';
import { type Address, type Container, NO_STATE, type World } from './world.ts';
import { keyOf } from './world-key.ts';

export type Machines = { supervisor: AnyStateMachine; container: AnyStateMachine; process: AnyStateMachine };

export const DAEMON_MACHINES = {
  supervisor: supervisorMachine,
  container: containerMachine,
  process: processMachine,
} as unknown as Machines;

/** The charts that worlds are made of. */
export class WorldCharts {
  readonly supervisor: LocalStates;
  readonly container: LocalStates;
  readonly process: LocalStates;

  constructor(
    { supervisor, container, process }: Machines,
    { isKnown, tellsOom }: { isKnown: (id: string) => boolean; tellsOom: boolean },
  ) {
    const known = (_: unknown, id: string) => isKnown(id);
    this.supervisor = localStates(supervisor.provide({ guards: { isKnown: known } as never }));
    this.container = localStates(container.provide({ actors: { process: effect() } as never }));
    this.process = localStates(process.provide({ guards: { tellsOom: () => tellsOom } as never }));
  }

  stateOf(world: World, { id, process }: Address): { path: string; context: Record<string, unknown> } {
    const container = world.containers[id];
    const local = process !== '' ? this.process : id !== '' ? this.container : this.supervisor;
    const state =
      process !== '' ? container?.processes[process] : id !== '' ? container?.state : world.supervisor;
    const { value, context } = local.snapshot(state ?? NO_STATE);
    return { path: stateName(value), context: context as Record<string, unknown> };
  }

  /** The same for worlds that differ in nothing but which container has which id. */
  keyOf(world: World): string {
    return keyOf(world, {
      supervisor: this.supervisor.snapshot(world.supervisor),
      shapeOfContainer: this.container.shape,
      shapeOfProcess: this.process.shape,
    });
  }

  /** The delays that have begun. */
  timers(world: World): (Timer & { of: Address })[] {
    if (world.ended) return [];
    const of = (id: string, timers: readonly Timer[]) =>
      timers.map((timer) => ({ ...timer, of: { id, process: '' } }));
    return [
      ...of('', this.supervisor.timers(world.supervisor)),
      ...Object.entries(world.containers).flatMap(([id, { state }]) =>
        state === NO_STATE ? [] : of(id, this.container.timers(state)),
      ),
    ];
  }

  /** The states of a container that is taken up, and of its processes. */
  adopted(it: Adopted): Pick<Container, 'state' | 'processes'> {
    const snapshot = adoptedSnapshot(it);
    const children = snapshot.children as unknown as Record<string, { snapshot: unknown }>;
    const processes = it.processes.map(({ process }) => [
      process,
      this.process.restored(children[process]?.snapshot),
    ]);
    return { state: this.container.restored(snapshot), processes: Object.fromEntries(processes) };
  }
}
