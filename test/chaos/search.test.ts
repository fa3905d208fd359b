import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SystemPorts } from '../../src/actors/system.ts';
import { matches } from '../docs/examples.ts';
import { formatHappening, formatTrace } from './happening.ts';
import { replay, type SearchOptions, search, tell } from './search.ts';

const SEED = 1;

/** A pause that pauses nothing. */
const sabotage = (ports: SystemPorts): SystemPorts => ({
  ...ports,
  effects: { ...ports.effects, pause: async () => {} },
});

let interruption: AbortController;
let folder: string;
beforeEach(async () => {
  interruption = new AbortController();
  folder = await mkdtemp(path.join(os.tmpdir(), 'search-'));
});
afterEach(() => rm(folder, { recursive: true }));

const searchWith = (options: Partial<SearchOptions>) =>
  search({
    simulated: true,
    seed: SEED,
    steps: Number.POSITIVE_INFINITY,
    endMs: Number.POSITIVE_INFINITY,
    interrupted: interruption.signal,
    progress: () => {},
    ...options,
  });

async function replayed(text: string, options: { sabotage?: typeof sabotage } = {}) {
  const lines: string[] = [];
  const { signal: interrupted } = interruption;
  const wrong = await replay(text, {
    simulated: true,
    interrupted,
    print: (line) => lines.push(line),
    ...options,
  });
  return { wrong, lines };
}

describe('a search for what is wrong with a daemon', () => {
  it('writes what it finds as a trace, whose replay finds the same', async () => {
    const result = await searchWith({ sabotage });
    const { found } = result;
    if (found === undefined) throw new Error('nothing is found');
    const lines: string[] = [];
    await tell(result, { seed: SEED, folder, print: (line) => lines.push(line) });
    const file = path.join(folder, `chaos-${found.seed}.trace`);
    expect(lines).toEqual([...found.wrong, `seed ${found.seed}, trace ${file}`]);
    const text = await readFile(file, 'utf8');
    expect(text).toBe(`# seed ${found.seed}\n${formatTrace(found.trace)}`);
    expect(found.trace.map((it) => it.do)).toContain('pause');
    expect((await replayed(text, { sabotage })).wrong).toEqual(found.wrong);
    expect((await replayed(text)).wrong).toEqual([]);
  });

  it('finds the same with the seed that it was found with', async () => {
    const { found } = await searchWith({ sabotage });
    expect((await searchWith({ sabotage, seed: found?.seed ?? 0 })).found).toEqual(found);
  });

  it('ends where it is interrupted, and says how much has happened', async () => {
    const progress = (happened: number) => {
      if (happened >= 150) interruption.abort();
    };
    const result = await searchWith({ progress });
    const { happened } = result;
    const lines: string[] = [];
    await tell(result, { seed: SEED, folder, print: (line) => lines.push(line) });
    expect(lines).toEqual([`${happened} happenings from seed ${SEED}, nothing wrong`]);
    expect(await readdir(folder)).toEqual([]);
    // A life on a simulated host takes no time worth to be told of, and has 100 happenings at most.
    expect(happened).toBeGreaterThanOrEqual(150);
    expect(happened).toBeLessThan(250);
  });

  it('keeps what it has found where it is interrupted while that is shortened', async () => {
    const { found: shortest } = await searchWith({ sabotage });
    let lives = 0;
    const { found } = await searchWith({
      seed: shortest?.seed ?? 0,
      sabotage(ports) {
        lives += 1;
        if (lives === 2) interruption.abort();
        return sabotage(ports);
      },
    });
    expect(found?.wrong.length).toBeGreaterThan(0);
    expect(found?.trace.length).toBeGreaterThan(shortest?.trace.length ?? 0);
  });

  it('ends after as many happenings as it was told', async () => {
    expect((await searchWith({ steps: 120 })).happened).toBe(120);
  });
});

describe('the replay of a trace', () => {
  it('prints each happening, and the steps that a simulated host has taken thereupon', async () => {
    const { wrong, lines } = await replayed('create id=0 restore=false\ngo at=0 steps=3\nsettle\n');
    expect(wrong).toEqual([]);
    expect(lines.slice(0, 5)).toEqual([
      'create id=0 restore=false',
      'go at=0 steps=3',
      '  the daemon writes down c0/init',
      '  runc begins to start c0/init',
      '  runc has started c0/init',
    ]);
    const end = lines.indexOf('# everything comes to its end');
    expect(lines.indexOf('settle')).toBeLessThan(lines.indexOf('  the daemon writes its journal'));
    expect(lines.slice(end)).toEqual(
      expect.arrayContaining(['  the shim reaps c0/init', '  runc has deleted c0']),
    );
  });

  it('is printed as docs/testing.md has it', async () => {
    const page = await readFile(new URL('../../docs/testing.md', import.meta.url), 'utf8');
    const [trace = '', printed = ''] = [...page.matchAll(/^```\n([^`]*)^```$/gm)].map(([, text]) => text);
    const { wrong, lines } = await replayed(trace);
    expect(wrong).toEqual([]);
    const expected = printed.trimEnd().split('\n');
    // The last line is the program's own.
    expect(expected.pop()).toBe('nothing wrong');
    if (!matches(expected, lines)) expect.fail(lines.join('\n'));
  });

  it('does not print steps that are never taken, since who was at work on them has died', async () => {
    const { lines } = await replayed('create id=0 restore=false\nkillDaemon\n');
    const until = lines.indexOf('# everything comes to its end');
    expect(lines.slice(0, until)).toEqual([
      formatHappening({ do: 'create', id: 0, restore: false }),
      'killDaemon',
    ]);
    expect(lines).not.toContain('  runc begins to start c0/init');
  });
});
