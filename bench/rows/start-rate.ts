import { readFile } from 'node:fs/promises';
import { execa } from 'execa';
import type { Host } from '../host.ts';
import { inPairs, type Measured, PAIRS, type Row, ratesOf } from '../row.ts';

const PARALLEL = [2, 4, 6, 10];

async function startsAgainstRaw(host: Host, runtime: string): Promise<Measured> {
  const { starts, rounds } = host.options;
  const bundle = await host.bundle('sleep', '100000');
  const pair = await host.warmPair(['--runtime', runtime]);
  const raw = async (parallel: number): Promise<number> => {
    const ids = host.names(starts);
    const seconds = await host.raw(ids, parallel, ['run', '-d', '--bundle', bundle, '{}'], runtime);
    await host.raw(ids, 4, ['delete', '--force', '{}'], runtime);
    return seconds;
  };
  const ours = async (): Promise<number> => {
    const ids = host.names(starts);
    const { seconds } = await host.startAll(pair.daemon, ids, bundle);
    await host.endAll(pair.daemon, ids);
    return seconds;
  };
  const tried = new Map<number, number>();
  for (let round = 0; round < rounds; round++)
    for (const parallel of PARALLEL) tried.set(parallel, (tried.get(parallel) ?? 0) + (await raw(parallel)));
  const [best = 6] = PARALLEL.toSorted((a, b) => (tried.get(a) ?? 0) - (tried.get(b) ?? 0));
  const pairs = await inPairs(rounds * PAIRS, ours, () => raw(best));
  await pair.end();
  return ratesOf(pairs, starts, `a second by xargs -P ${best}`);
}

export const startRate: Row = {
  name: 'start-rate',
  what: 'starts a second, against runc alone at its best',
  unit: '',
  goal: 0.92,
  better: 'more',
  measure: (host) => startsAgainstRaw(host, 'runc'),
};

/** Where systemd's hybrid layout has its cgroup v2. */
const UNIFIED = '/sys/fs/cgroup/unified';

/** crun 1.8 takes cgroup v1 or v2, not v1 with a v2 beside it that has controllers: it drops all of them and fails. */
const isHybrid = (): Promise<boolean> =>
  readFile(`${UNIFIED}/cgroup.controllers`, 'utf8').then(
    (controllers) => controllers.trim() !== '',
    () => false,
  );

/** The same row where the v2 mount is out of sight, for all of daemon, shim and runtime. */
async function withoutUnified({ options: { rounds, starts, interrupted } }: Host): Promise<Measured> {
  const bench = ['scripts/run-ts.mjs', 'bench/bench.ts', crunStartRate.name, '--json'];
  const flags = ['--rounds', String(rounds), '--starts', String(starts)];
  const script = `umount ${UNIFIED} && exec "$@"`;
  const { stdout } = await execa(
    'unshare',
    ['--mount', 'sh', '-c', script, 'sh', process.execPath, ...bench, ...flags],
    // Ctrl-C is the other one's as well, which cleans up by itself.
    { reject: false, stderr: 'inherit', cancelSignal: interrupted, forceKillAfterDelay: false },
  );
  interrupted.throwIfAborted();
  const [{ value, of, error }] = JSON.parse(stdout) as [Measured & { error?: string }];
  if (error !== undefined) throw new Error(error);
  return { value, of: `${of}, cgroup v2 unmounted` };
}

export const crunStartRate: Row = {
  name: 'crun-start-rate',
  what: 'starts a second with crun, against crun alone at its best',
  unit: '',
  goal: 0.75,
  better: 'more',
  async measure(host) {
    await execa('crun', ['--version']).catch(() => {
      throw new Error('crun is not installed');
    });
    return (await isHybrid()) ? withoutUnified(host) : startsAgainstRaw(host, 'crun');
  },
};
