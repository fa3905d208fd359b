import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { closeTerminals, type Deaths, OPERATIONS, type Operation } from './fixtures/crash-operations.ts';
import { CrashSite } from './fixtures/crash-site.ts';

// Each program is killed where it waits for something, and the next one has to make the best of it.

let bundles: Bundles;
let count = 0;
beforeAll(async () => {
  bundles = await makeBundles();
});
afterAll(() => bundles.remove());
afterEach(closeTerminals);

/** Each point once in each program, unless every operation is to be played at all of its own: `npm run test:crash`. */
const isWhole = process.env.CONTAINERD_CRASH_TABLE === 'whole';
const played = new Set<string>();
function isNew(program: string, deaths: Deaths): boolean {
  const name = `${program} ${nameOf(deaths)}`;
  if (played.has(name)) return isWhole;
  played.add(name);
  return true;
}

const listOf = (deaths: Deaths) => (typeof deaths === 'string' ? [deaths] : deaths);
const nameOf = (deaths: Deaths) => listOf(deaths).join(', then ');

/** Has programs die amid an operation; what then is must be right, and when all has ended nothing must be left. */
async function play(site: CrashSite, { before, act }: Operation, deaths: Deaths, andShim: boolean) {
  // One that failed is no reason for the next one to.
  await site.countermand();
  await site.up();
  const id = `${site.prefix}-${++count}`;
  const acknowledged = (await before?.(site, id)) ?? [];
  // What is under way of that would die in the place of what is to come.
  await site.noted(id);
  await site.order(listOf(deaths));
  const asked = act(site, id).catch(() => 0);
  await site.carriedOut(andShim);
  await site.up();
  const pid = await asked;
  if (pid !== 0) acknowledged.push(pid);
  await site.up();
  await site.agrees();
  await site.clear();
  const whole = (life: string[]) => life.length === 2 && life[0] !== 'exit' && life[1] === 'exit';
  await expect
    .poll(async () => [...(await site.lives(id))].filter(([, life]) => !whole(life)), { timeout: 10_000 })
    .toEqual([]);
  expect([...(await site.lives(id)).keys()]).toEqual(expect.arrayContaining(acknowledged));
}

const named = (program: string, all: readonly Deaths[]) =>
  all.filter((deaths) => isNew(program, deaths)).map((deaths) => [nameOf(deaths), deaths] as const);
const plays = Object.entries(OPERATIONS)
  .map(([name, operation]) => ({
    name,
    operation,
    daemon: named('daemon', operation.daemon),
    both: isWhole && operation.thenShim ? named('both', operation.daemon) : [],
    shim: named('shim', operation.shim),
  }))
  .filter(({ daemon, both, shim }) => daemon.length + both.length + shim.length > 0);

describe.each(plays)('$name', ({ operation, daemon, both, shim }) => {
  let site: CrashSite;
  beforeAll(async () => {
    site = await CrashSite.open(bundles, operation.flags);
  });
  afterAll(() => site.remove());

  it.each(daemon)('daemon killed at %s', (_, deaths) => play(site, operation, deaths, false));
  it.each(both)('daemon killed at %s, and then its shim', (_, deaths) => play(site, operation, deaths, true));
  it.each(shim)('shim killed at %s', (_, deaths) => play(site, operation, deaths, false));
});
