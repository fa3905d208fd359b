import { PureContainer } from './client-chart.ts';
import type { ClientStatus, ClientStep, HostStep, Path } from './step.ts';

/** Whatever is driven along a path: a client of the daemon, or a daemon itself. Each begins without the container. */
export type Driven<Step extends HostStep = ClientStep> = {
  /** Resolves once the step has come to its end; what the daemon refuses is no error here. */
  take(step: Step): Promise<void>;
  status(): Promise<ClientStatus>;
};

/** Takes a path's steps one after the other. Throws at the first that leads elsewhere, with the way there. */
export async function drive<Step extends HostStep>(driven: Driven<Step>, path: Path<Step>): Promise<void> {
  const taken: string[] = [];
  for (const { step, status } of path) {
    taken.push(step);
    await driven.take(step);
    const is = await driven.status();
    if (is !== status) throw new Error(`after ${taken.join(', ')} it is ${is}, not ${status}`);
  }
}

/** The charts themselves: whoever tests what drives a container can hold it against them. */
export function pureDriven(): Driven<HostStep> {
  const container = new PureContainer();
  let world = container.first;
  return {
    async take(step) {
      world = container.step(world, step);
    },
    status: async () => container.status(world),
  };
}
