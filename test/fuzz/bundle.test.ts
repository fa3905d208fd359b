import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBundle } from '../../src/bundle/bundle.ts';
import { ContainerdError } from '../../src/errors.ts';
import { mutated, SEED } from './fuzzed.ts';

const VALID = {
  ociVersion: '1.0.2',
  process: {
    terminal: true,
    consoleSize: { height: 24, width: 80 },
    user: { uid: 1, gid: 2, additionalGids: [3] },
    args: ['sh', '-c', 'exit 7'],
    env: ['PATH=/bin', 'A=b'],
    cwd: '/',
    capabilities: { bounding: ['CAP_KILL'] },
  },
  root: { path: 'rootfs', readonly: true },
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'fuzz-bundle-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A bundle that is what its type says, or the catalogue's error. */
async function isSound(config: string | Uint8Array): Promise<void> {
  writeFileSync(path.join(folder, 'config.json'), config);
  try {
    const { process, inherited, readonlyRoot } = await readBundle(folder);
    for (const list of [process.args, process.env]) {
      expect(Array.isArray(list) && list.every((it) => typeof it === 'string')).toBe(true);
    }
    expect(process.args.length).toBeGreaterThan(0);
    const { uid, gid, additionalGids } = process.user;
    for (const id of [uid, gid, ...additionalGids])
      expect(id >= 0 && id < 2 ** 32 && Number.isInteger(id)).toBe(true);
    expect([typeof process.terminal, typeof process.cwd, typeof inherited.path, typeof readonlyRoot]).toEqual(
      ['boolean', 'string', 'string', 'boolean'],
    );
  } catch (error) {
    if (!(error instanceof ContainerdError)) throw error;
    expect(error.failure.error).toBe('bundleInvalid');
  }
  expect(Object.keys(Object.prototype)).toEqual([]);
}

/** Every place in a value, as a path of keys. */
const placesIn = (value: unknown, at: string[] = []): string[][] =>
  typeof value === 'object' && value !== null
    ? [at, ...Object.entries(value).flatMap(([key, member]) => placesIn(member, [...at, key]))]
    : [at];

/** The JSON of the valid one with another value, or another member, at a place. */
function changed(at: readonly string[], json: string, key: string | undefined): string {
  const copy = structuredClone(VALID) as Record<string, unknown>;
  if (at.length === 0) return key === undefined ? json : `{${JSON.stringify(key)}:${json}}`;
  const parent = at.slice(0, -1).reduce((it, name) => it[name] as Record<string, unknown>, copy);
  parent[at.at(-1) ?? ''] = '\u0001';
  const member = key === undefined ? json : `{${JSON.stringify(key)}:${json}}`;
  return JSON.stringify(copy).replace(JSON.stringify('\u0001'), () => member);
}

describe('a config.json', () => {
  it('of any bytes is a bundle or an error', async () => {
    const bytes = Buffer.from(JSON.stringify(VALID));
    await fc.assert(fc.asyncProperty(mutated(bytes), isSound), { seed: SEED, numRuns: 200 });
  });

  it('with any value at any place is a bundle or an error, and leaves prototypes alone', async () => {
    const key = fc.option(fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'args', ''), {
      nil: undefined,
    });
    const value = fc.oneof(
      fc.json(),
      fc.constantFrom('{"__proto__":{"readonly":true}}', '1e999', '-0', '4294967296'),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...placesIn(VALID)), value, key, (at, json, name) =>
        isSound(changed(at, json, name)),
      ),
      { seed: SEED, numRuns: 200 },
    );
  });

  it('that is nested without end is an error, or passed on', async () => {
    for (const depth of [100, 100_000]) {
      await isSound(`${'['.repeat(depth)}${']'.repeat(depth)}`);
      await isSound(`{"process":{"args":["a"],"x":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}}`);
    }
  });
});
