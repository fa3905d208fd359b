import { type System, startSystem } from '../../src/actors/system.ts';
import { medianOf, type Row } from '../row.ts';

const FEW = 100;
const MANY = 10_000;
const MEASURED = 2000;

/** A system whose effects succeed at once: what is left is what the charts and their routing cost. */
async function makeSystem() {
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
    { concurrency: 10, onStop: 'leave' },
  );
  await system.restored;
  return system;
}

/** What a start and its end cost, in milliseconds of CPU time, in a system that has so many containers. */
async function cost(system: System, name: string, count: number): Promise<number> {
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
  async measure({ options: { rounds } }) {
    const many = await makeSystem();
    await cost(many, 'many', MANY);
    // In turns, each time among as few as before; V8 has seen the code 10,000 times by then.
    const measured = await medianOf(rounds, async (round) => {
      const few = await makeSystem();
      await cost(few, 'few', FEW);
      const atFew = await cost(few, 'at-few', MEASURED);
      few.stop();
      return { ours: await cost(many, `at-many-${round}`, MEASURED), raw: atFew, unit: 'ms' };
    });
    many.stop();
    return measured;
  },
};
