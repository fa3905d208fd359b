import type { ActorRefFrom, SnapshotFrom } from 'xstate';
import type { containerMachine } from '../machines/container.ts';
import type { ProcessEntry } from '../machines/container-model.ts';

/** A container as `State` lists it. */
export type ContainerView = {
  id: string;
  bundlePath: string;
  status: 'running' | 'paused';
  processes: readonly ProcessEntry[];
};

type Container = ActorRefFrom<typeof containerMachine>;

/** A container's actor, with the view of it: the same object until something happens to the container. */
export class Listed {
  readonly actor: Container;
  #snapshot: SnapshotFrom<Container> | undefined;
  #view: ContainerView | undefined;

  constructor(actor: Container) {
    this.actor = actor;
  }

  /** Undefined where a client cannot see the container. */
  get view(): ContainerView | undefined {
    const snapshot = this.actor.getSnapshot();
    if (this.#snapshot !== snapshot) {
      this.#snapshot = snapshot;
      this.#view = viewOf(snapshot);
    }
    return this.#view;
  }
}

function viewOf(snapshot: SnapshotFrom<Container>): ContainerView | undefined {
  const status = snapshot.hasTag('running') ? 'running' : snapshot.hasTag('paused') ? 'paused' : undefined;
  if (status === undefined) return undefined;
  const { id, bundlePath, processes } = snapshot.context;
  return { id, bundlePath, status, processes };
}
