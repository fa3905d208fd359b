import type { Effects, OomPorts } from '../actors/system.ts';
import { ContainerdError } from '../errors.ts';
import type { CheckpointInput } from '../machines/container-model.ts';
import { type CreateRequest, INIT, KILL, type Launched } from '../machines/messages.ts';
import type { LaunchInput } from '../machines/process-model.ts';
import type { Restored } from '../machines/supervisor-model.ts';
import type { Fault, SimulatedHost } from './simulated-host.ts';
import { isLost, type SimulatedLink } from './simulated-link.ts';
import { SimulatedRunc } from './simulated-runc.ts';
import { nameOf } from './simulated-shim.ts';
import type { Owner } from './simulated-steps.ts';

export type SimulatedEffectsOptions = {
  host: SimulatedHost;
  daemon: Owner;
  link: SimulatedLink;
  restore: () => Promise<Restored>;
  /** Resolves once all that was told of a former container of this id is noted. */
  told: (id: string) => Promise<void>;
};

const broken = (fault: Fault | undefined): void => {
  if (fault !== undefined) throw new ContainerdError('internal', 'it broke');
};

/** What the charts have done for them, done on a simulated host: what a daemon does itself ends with it. */
export function simulatedEffects({ host, daemon, link, restore, told }: SimulatedEffectsOptions): Effects {
  const runc = new SimulatedRunc(host);
  const step = (what: string) => host.steps.wait(daemon, what);

  async function start(input: LaunchInput): Promise<Launched> {
    const { id, process, spec, bundlePath, launch } = input;
    const fault = host.takeFault('launch');
    // A step of its own, as of a restore or with an old shim: what may happen where the shim writes it may happen here too.
    await step(`the daemon writes down ${nameOf(input)}`);
    if (process === INIT) {
      if (host.records.has(id)) throw new ContainerdError('containerExists');
      host.records.set(id, { create: createOf(input), execs: new Map(), untold: new Map(), oomKills: 0 });
      await told(id);
    } else host.records.get(id)?.execs.set(process, { spec });
    if (launch.kind === 'restore' && !host.checkpoints.has(`${bundlePath}/${launch.checkpoint}`))
      throw new ContainerdError('checkpointNotFound');
    return link.start({ id, process }, runc.launch(input, fault));
  }

  /** A runc that has lost its shim may do its work nevertheless: the freezer says whether it has. */
  async function freeze(id: string, frozen: boolean): Promise<void> {
    try {
      await link.run(id, runc.freeze(id, frozen, host.takeFault(frozen ? 'pause' : 'resume')));
    } catch (error) {
      if (!isLost(error)) throw error;
      await link.settleLost();
      if (host.kernel.containers.get(id)?.frozen !== frozen) throw error;
    }
  }

  async function checkpoint({ id, bundlePath, checkpoint }: CheckpointInput): Promise<void> {
    const fault = host.takeFault('checkpoint');
    await step(`the daemon begins to checkpoint ${id}`);
    const path = `${bundlePath}/${checkpoint.name}`;
    const isMade = [...host.partials].some((it) => it.path === path);
    if (isMade || host.checkpoints.has(path)) throw new ContainerdError('checkpointExists');
    const partial = { path, checkpoint, whole: false };
    host.partials.add(partial);
    try {
      await link.run(id, runc.checkpoint(id, partial, checkpoint, fault));
      await step(`the daemon completes the checkpoint of ${id}`);
      host.checkpoints.set(path, checkpoint);
    } catch (error) {
      // What is at work still would freeze and thaw the container meanwhile.
      if (isLost(error)) await link.settleLost();
      throw error;
    } finally {
      host.partials.delete(partial);
    }
  }

  return {
    restore,
    async launch(input) {
      const { id, process, launch } = input;
      try {
        const launched = await (launch.kind === 'adopt' ? link.awaitStart({ id, process }) : start(input));
        if (process !== INIT) {
          await step(`the daemon writes down who ${nameOf(input)} is`);
          const exec = host.records.get(id)?.execs.get(process);
          if (exec !== undefined) exec.started = launched;
        }
        return launched;
      } catch (error) {
        if (isLost(error)) await link.settleLost();
        if (process !== INIT) {
          // Of a container, `delete` kills it.
          const left = host.kernel.containers.get(id)?.processes.get(process);
          if (left !== undefined) host.kernel.signal(left, KILL);
          host.records.get(id)?.execs.delete(process);
          host.records.get(id)?.untold.delete(process);
        }
        throw error;
      }
    },
    async signal({ id, process, signal }) {
      const fault = host.takeFault('signal');
      await step(`the daemon signals ${nameOf({ id, process })}`);
      broken(fault);
      link.kill({ id, process }, signal);
    },
    async update({ id, process, width, height }) {
      const fault = host.takeFault('update');
      await step(`the daemon updates ${nameOf({ id, process })}`);
      broken(fault);
      if (link.isOrphan({ id, process }))
        throw new ContainerdError('shimLost', 'the stdio of the process is gone with it');
      link.kill({ id, process }, 0);
      if (width !== 0 || height !== 0) throw new ContainerdError('noTerminal');
    },
    pause: ({ id }) => freeze(id, true),
    resume: ({ id }) => freeze(id, false),
    async killFrozen({ id }) {
      await step(`the daemon signals ${nameOf({ id, process: INIT })}`);
      link.kill({ id, process: INIT }, KILL);
      await link.run(id, runc.freeze(id, false, host.takeFault('resume')));
    },
    checkpoint,
    async deleteCheckpoint({ bundlePath, name }) {
      await step(`the daemon deletes the checkpoint ${name}`);
      if (!host.checkpoints.delete(`${bundlePath}/${name}`)) throw new ContainerdError('checkpointNotFound');
    },
    async delete({ id }) {
      const fault = host.takeFault('delete');
      try {
        // Once more by force, by another shim if need be.
        await link.run(id, runc.delete(id, fault)).catch(() => link.run(id, runc.delete(id, fault)));
      } catch (error) {
        // The id is free all the same.
        await step(`the daemon sweeps ${id}`);
        host.sweep(id);
        throw error;
      } finally {
        await told(id);
        host.records.delete(id);
      }
    },
  };
}

/** The request that asked for a container, but for its number. */
const createOf = ({ id, bundlePath, spec, inherited, stdio, launch }: LaunchInput): CreateRequest => ({
  type: 'create',
  requestId: '',
  id,
  bundlePath,
  stdio,
  spec,
  inherited,
  hooks: launch.kind === 'start' && launch.hooks,
  checkpoint: launch.kind === 'restore' ? launch.checkpoint : '',
});

/** The kernel's counts of OOM kills. */
export function simulatedOom(host: SimulatedHost, daemon: Owner): OomPorts {
  const countOf = (id: string): number => host.kernel.containers.get(id)?.oomKills ?? 0;
  return {
    async count({ id }) {
      await host.steps.wait(daemon, `the daemon counts the OOM kills of ${id}`);
      return countOf(id);
    },
    watch({ id }, onKills) {
      let watching = true;
      const look = async () => {
        await host.steps.wait(daemon, `the daemon hears of the OOM kills of ${id}`);
        if (watching) onKills(countOf(id));
      };
      void look();
      const container = host.kernel.containers.get(id);
      container?.onOom.add(look);
      return () => {
        watching = false;
        container?.onOom.delete(look);
      };
    },
  };
}
