import type { Ran, Run } from '../generated/shim.ts';

/** The programs that are run to their end, by the container that they are about. */
export type Commands = {
  /** Runs one; as `runCommand` in runtime.ts. */
  run(request: Run): Promise<Ran>;
  /** Resolves once none that is about this container is in flight. */
  settled(container: string): Promise<void>;
  readonly busy: boolean;
};

/** `run` does it, `onLess` is called after each that has ended. */
export function createCommands(run: (request: Run) => Promise<Ran>, onLess: () => void): Commands {
  const inFlight = new Map<string, Set<Promise<unknown>>>();
  return {
    async run(request) {
      const { container } = request;
      const running = run(request);
      const others = inFlight.get(container) ?? new Set();
      inFlight.set(container, others.add(running));
      try {
        return await running;
      } finally {
        others.delete(running);
        if (others.size === 0) {
          inFlight.delete(container);
        }
        onLess();
      }
    },
    async settled(container) {
      for (let running = inFlight.get(container); running !== undefined; running = inFlight.get(container)) {
        await Promise.allSettled(running);
      }
    },
    get busy() {
      return inFlight.size > 0;
    },
  };
}
