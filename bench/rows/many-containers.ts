import { startSystem } from '../../src/actors/system.ts';
import type { Row } from '../row.ts';

const FEW = 100;
const MANY = 10_000;
const MEASURED = 500;

/** A system whose effects succeed at once: what is left is what the charts and their routing cost. */
function makeSystem() {
  let pids = 0;
  const done = () => Promise.resolve();
  return startSystem(
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
    { concurrency: 10, onStop: 'leave' },
  );
}

/** What a start and its end cost, in milliseconds of CPU time, in a system that has so many containers. */
async function cost(system: ReturnType<typeof makeSystem>, name: string, count: number): Promise<number> {
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
      checkpoint: '',
    });
    if (!outcome.ok) throw new Error(outcome.failure.message);
  }
  const { user, system: kernel } = process.cpuUsage(before);
  return (user + kernel) / 1000 / count;
}

export const manyContainers: Row = {
  name: 'many-containers',
  what: `what a start costs at ${MANY} containers against at ${FEW}, the runtime simulated`,
  unit: '',
  goal: 1.2,
  better: 'less',
  async measure() {
    const system = makeSystem();
    await system.restored;
    // Until the code is as fast as it gets.
    await cost(makeSystem(), 'warm', MANY);
    await cost(system, 'few', FEW);
    const few = await cost(system, 'at-few', MEASURED);
    await cost(system, 'many', MANY);
    const many = await cost(system, 'at-many', MEASURED);
    system.stop();
    return { value: many / few, of: `${many.toFixed(3)} against ${few.toFixed(3)} ms` };
  },
};
