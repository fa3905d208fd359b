import { type System, startSystem } from '../src/actors/system.ts';
import type { Hearer } from '../src/history/hear.ts';

/** A system whose effects succeed at once: what is left is what the charts and their routing cost. */
export async function makeSystem(hearer?: Hearer): Promise<System> {
  let pids = 0;
  const done = () => Promise.resolve();
  const system = startSystem(
    {
      effects: {
        restore: () => Promise.resolve({ adopted: [], untold: [] }),
        launch: () => Promise.resolve({ pid: ++pids, startTime: '0' }),
        signal: done,
        update: done,
        pause: done,
        resume: done,
        killFrozen: done,
        checkpoint: done,
        deleteCheckpoint: done,
        delete: done,
      },
      publish: () => {},
      report: () => {},
      stray: () => {},
    },
    { concurrency: 10, onStop: 'leave', ...(hearer && { hearer }) },
  );
  await system.restored;
  return system;
}

/** What a start costs, in milliseconds of CPU time, in a system that has so many containers. */
export async function cost(system: System, name: string, count: number): Promise<number> {
  const before = process.cpuUsage();
  for (let n = 0; n < count; n++) {
    const id = `${name}-${n}`;
    const outcome = await system.request({
      type: 'create',
      requestId: id,
      id,
      bundlePath: '/',
      stdio: { stdin: '', stdout: '', stderr: '', console: '' },
      spec: {
        terminal: false,
        user: { uid: 0, gid: 0, additionalGids: [] },
        args: ['it'],
        env: [],
        cwd: '/',
      },
      inherited: { process: {}, path: '' },
      hooks: false,
      checkpoint: '',
    });
    if (!outcome.ok) throw new Error(outcome.failure.message);
  }
  const { user, system: kernel } = process.cpuUsage(before);
  return (user + kernel) / 1000 / count;
}
