import { ContainerdError } from '../errors.ts';
import type { CheckpointOptions } from '../machines/messages.ts';
import { INIT } from '../machines/messages.ts';
import type { LaunchInput } from '../machines/process-model.ts';
import type { Fault, SimulatedHost, SimulatedPartial } from './simulated-host.ts';
import type { SimulatedContainer, SimulatedProcess } from './simulated-kernel.ts';
import { type Job, nameOf } from './simulated-shim.ts';

/** How long the runtime, and CRIU, may take (--runtime-timeout). */
const RUNTIME_TIMEOUT_MS = 120_000;
const CHECKPOINT_TIMEOUT_MS = 600_000;

const failed = (words: string) => new ContainerdError('runtimeFailed', words);

/** runc and CRIU on a simulated host: each call works in steps, and leaves behind what it had come to where it fails. */
export class SimulatedRunc {
  readonly #host: SimulatedHost;

  constructor(host: SimulatedHost) {
    this.#host = host;
  }

  /** `runc run`, `exec` or `restore`. */
  launch(input: LaunchInput, fault: Fault | undefined): Job<SimulatedProcess> {
    return async (shim) => {
      const name = nameOf(input);
      await this.#step(`runc begins to start ${name}`);
      if (fault === 'fails') throw failed('it broke');
      const container = input.process === INIT ? this.#make(input) : this.#running(input.id);
      if (container.frozen) throw failed('cannot exec in a paused container');
      const process = this.#host.kernel.fork(container, input.process, input.spec);
      shim.adopt(process);
      if (fault !== undefined) {
        await this.#breaks(fault, 'start', RUNTIME_TIMEOUT_MS).finally(() => {
          // Of a container, `delete` removes it.
          if (input.process !== INIT) this.#host.kernel.die(process, 137);
        });
      }
      await this.#step(`runc has started ${name}`);
      container.started = true;
      this.#host.records.get(input.id)?.untold.set(input.process, process.pid);
      return process;
    };
  }

  /** `runc pause`, or `runc resume`. */
  freeze(id: string, frozen: boolean, fault: Fault | undefined): Job<void> {
    const verb = frozen ? 'pause' : 'resume';
    return async () => {
      await this.#step(`runc begins to ${verb} ${id}`);
      const container = this.#running(id);
      if (fault !== undefined) await this.#breaks(fault, verb, RUNTIME_TIMEOUT_MS);
      if (frozen) this.#host.kernel.freeze(container);
      else this.#host.kernel.thaw(container);
      await this.#step(`runc has done ${verb} ${id}`);
    };
  }

  /** `runc checkpoint`: where it fails, the container is as it was. */
  checkpoint(
    id: string,
    partial: SimulatedPartial,
    { exit }: CheckpointOptions,
    fault: Fault | undefined,
  ): Job<void> {
    const { kernel } = this.#host;
    return async () => {
      await this.#step(`runc begins to checkpoint ${id}`);
      const container = this.#running(id);
      const wasFrozen = container.frozen;
      kernel.freeze(container);
      const asItWas = () => (wasFrozen ? undefined : kernel.thaw(container));
      if (fault !== undefined)
        await this.#breaks(fault, 'checkpoint', CHECKPOINT_TIMEOUT_MS).finally(asItWas);
      await this.#step(`CRIU has written ${id}`);
      const init = container.processes.get(INIT);
      if (init?.phase !== 'alive') throw new ContainerdError('containerExited');
      partial.whole = true;
      if (exit) kernel.die(init, 137);
      asItWas();
      await this.#step(`runc has checkpointed ${id}`);
    };
  }

  /** `runc delete`, by force where it must. What is gone is deleted. */
  delete(id: string, fault?: Fault): Job<void> {
    return async () => {
      await this.#step(`runc begins to delete ${id}`);
      if (fault !== undefined) await this.#breaks(fault, 'delete', RUNTIME_TIMEOUT_MS);
      const container = this.#host.kernel.containers.get(id);
      if (container !== undefined) this.#host.kernel.remove(container);
      await this.#step(`runc has deleted ${id}`);
    };
  }

  #make({ id, bundlePath }: LaunchInput): SimulatedContainer {
    if (this.#host.kernel.containers.has(id)) throw failed('container with given ID already exists');
    return this.#host.kernel.makeContainer(id, bundlePath);
  }

  #running(id: string): SimulatedContainer {
    const container = this.#host.kernel.containers.get(id);
    if (container?.processes.get(INIT)?.phase !== 'alive') throw new ContainerdError('containerExited');
    return container;
  }

  /** It ends badly, at once or at its deadline. */
  async #breaks(fault: Fault, verb: string, timeoutMs: number): Promise<never> {
    if (fault !== 'hangs') throw failed('it broke');
    await this.#host.steps.sleep(timeoutMs);
    throw new ContainerdError('runtimeTimeout', verb);
  }

  #step(what: string): Promise<void> {
    return this.#host.steps.wait(this.#host, what);
  }
}
