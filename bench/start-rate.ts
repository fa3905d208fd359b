import { execa } from 'execa';
import { makeBundles } from '../test/e2e/fixtures/bundle.ts';
import { TestDaemon } from '../test/e2e/fixtures/daemon.ts';

/**
 * Starts a second: ours, 200 containers with 10 clients, against `xargs -P 6 runc run -d` on the same bundle, in
 * turns, so that a change of the machine's speed hits both.
 */

const COUNT = 200;
const CLIENTS = 10;
const ROUNDS = 3;
const GOAL = 0.85;

const secondsSince = (start: bigint): number => Number(process.hrtime.bigint() - start) / 1e9;
const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** Starts by the daemon a second; the containers are killed and gone when it returns. */
async function ours(daemon: TestDaemon, bundle: string, round: number): Promise<number> {
  const events = await daemon.events();
  const ids = Array.from({ length: COUNT }, (_, n) => `bench-${process.pid}-${round}-${n}`);
  const todo = [...ids];
  const start = process.hrtime.bigint();
  const client = async () => {
    for (let id = todo.pop(); id !== undefined; id = todo.pop()) await daemon.create(id, bundle);
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const rate = COUNT / secondsSince(start);
  await Promise.all(ids.map((id) => daemon.signal(id, 9)));
  for (const id of ids) await events.exit(id);
  events.close();
  return rate;
}

/** Starts by runc alone a second. */
async function raw(root: string, bundle: string, round: number): Promise<number> {
  const input = Array.from({ length: COUNT }, (_, n) => `raw-${process.pid}-${round}-${n}`).join('\n');
  const start = process.hrtime.bigint();
  await execa(
    'xargs',
    ['-P', '6', '-I', '{}', 'runc', '--root', root, 'run', '-d', '--bundle', bundle, '{}'],
    {
      input,
      stdout: 'ignore',
      stderr: 'ignore',
    },
  );
  const rate = COUNT / secondsSince(start);
  await execa('xargs', ['-P', '4', '-I', '{}', 'runc', '--root', root, 'delete', '--force', '{}'], { input });
  return rate;
}

const bundles = await makeBundles();
const daemon = await TestDaemon.start();
const bundle = await bundles.make('sleep');
const rates = { ours: [] as number[], raw: [] as number[], ratio: [] as number[] };
try {
  for (let round = 0; round < ROUNDS; round++) {
    const theirs = await raw(`${daemon.folder}/raw`, bundle, round);
    const mine = await ours(daemon, bundle, round);
    rates.raw.push(theirs);
    rates.ours.push(mine);
    rates.ratio.push(mine / theirs);
    console.error(
      `round ${round + 1}: ${mine.toFixed(1)}/s, runc alone ${theirs.toFixed(1)}/s, ratio ${(mine / theirs).toFixed(2)}`,
    );
  }
} finally {
  await daemon.remove();
  await bundles.remove();
}
process.stdout.write(
  `starts a second: ${median(rates.ours).toFixed(1)}, runc alone: ${median(rates.raw).toFixed(1)}, ` +
    `ratio: ${median(rates.ratio).toFixed(2)} (goal ${GOAL})\n`,
);
