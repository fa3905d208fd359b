import { setTimeout as after } from 'node:timers/promises';
import { type Effects, type System, startSystem } from '../../src/actors/system.ts';
import { ContainerdError } from '../../src/errors.ts';
import { createRecorder, type HistoryLimits, type Recorder } from '../../src/history/recorder.ts';
import { KILL, type ProcessSpec } from '../../src/machines/messages.ts';
import {
  checkpoint,
  create,
  ended,
  exec,
  pause,
  resume,
  signal,
  spec,
} from '../machines/fixtures/requests.ts';

/** The daemon's charts with a runtime that does nothing but take its time, seen by a recorder. */
export type SimulatedSystem = {
  system: System;
  recorder: Recorder;
  start(id: string, of?: Partial<ProcessSpec>): Promise<void>;
  exec(id: string): Promise<void>;
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  checkpoint(id: string): Promise<void>;
  kill(id: string): Promise<void>;
};

export async function startSimulatedSystem({
  effectMs = 0,
  limits,
  observed = true,
}: {
  effectMs?: number;
  limits?: HistoryLimits;
  observed?: boolean;
} = {}): Promise<SimulatedSystem> {
  const recorder = createRecorder({ ...(limits && { limits }), whole: true });
  let pids = 1000;
  const work = async () => {
    if (effectMs > 0) await after(effectMs);
  };
  const effects: Effects = {
    restore: async () => ({ adopted: [], untold: [], ended: [] }),
    launch: async () => {
      await work();
      pids += 1;
      return { pid: pids, startTime: '1' };
    },
    signal: async ({ id, process, signal: number }) => {
      if (number === KILL) setImmediate(() => system.exited(ended({ id, process, status: 137 })));
    },
    update: work,
    pause: work,
    resume: work,
    killFrozen: work,
    checkpoint: async () => {
      await work();
      throw new ContainerdError('runtimeFailed', 'runc checkpoint failed: criu: no such namespace');
    },
    deleteCheckpoint: work,
    delete: work,
  };
  const system = startSystem(
    { effects, publish: () => {}, report: () => {}, stray: () => {} },
    { concurrency: 10, onStop: 'end', ...(observed && { hearer: recorder.hearer }) },
  );
  await system.restored;
  let requests = 0;
  const ask = async (request: Parameters<System['request']>[0]) => {
    await system.request({ ...request, requestId: `r${++requests}` });
  };
  return {
    system,
    recorder,
    start: (id, of) =>
      ask(
        create({
          id,
          bundlePath: `/bundles/${id}`,
          spec: {
            ...spec,
            args: ['redis', '--requirepass', 'hunter2'],
            env: ['PATH=/bin', 'TOKEN=hunter2'],
            ...of,
          },
        }),
      ),
    exec: (id) => ask(exec({ id })),
    pause: (id) => ask(pause({ id })),
    resume: (id) => ask(resume({ id })),
    checkpoint: (id) => ask(checkpoint({ id })),
    kill: (id) => ask(signal({ id, signal: KILL })),
  };
}
