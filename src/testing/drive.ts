import type { ClientPath, ClientStatus, ClientStep } from './client-chart.ts';
import { PureContainer } from './client-chart.ts';

/** Whatever is driven along a path: a client of the daemon, or a daemon itself. Each begins without the container. */
export type Driven = {
  /** Resolves once the step has come to its end; what the daemon refuses is no error here. */
  take(step: ClientStep): Promise<void>;
  status(): Promise<ClientStatus>;
};

/** Takes a path's steps one after the other. Throws at the first that leads elsewhere, with the way there. */
export async function drive(driven: Driven, path: ClientPath): Promise<void> {
  const taken: string[] = [];
  for (const { step, status } of path) {
    taken.push(step);
    await driven.take(step);
    const is = await driven.status();
    if (is !== status) throw new Error(`after ${taken.join(', ')} it is ${is}, not ${status}`);
  }
}

/** The charts themselves: whoever tests what drives a container can hold it against them. */
export function pureDriven(): Driven {
  const container = new PureContainer();
  let world = container.first;
  return {
    async take(step) {
      world = container.step(world, step);
    },
    status: async () => container.status(world),
  };
}
