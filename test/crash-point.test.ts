import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CRASH_POINTS } from '../src/crash-point.ts';
import { OPERATIONS } from './e2e/fixtures/crash-operations.ts';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/** The points at which a source file lets itself be killed. */
function pointsIn(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/crashPoint\('([^']+)'\)/g)].map(([, name = '']) => name);
}

describe('the crash points', () => {
  it('are each one place in the source', () => {
    const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((it) => it.endsWith('.ts'));
    const used = files.flatMap((file) => pointsIn(path.join(SRC, file)));
    expect(used.sort()).toEqual(Object.keys(CRASH_POINTS).sort());
  });

  it('are each died at in the tests', () => {
    const died = Object.values(OPERATIONS).flatMap(({ daemon, shim }) => [...daemon, ...shim].flat());
    expect([...new Set(died)].sort()).toEqual(Object.keys(CRASH_POINTS).sort());
  });

  it('are the shim’s where it is to die, and the daemon’s where that is', () => {
    const isShims = (deaths: string | readonly string[]) => [deaths].flat()[0]?.startsWith('shim.');
    for (const { daemon, shim } of Object.values(OPERATIONS)) {
      expect(daemon.filter(isShims)).toEqual([]);
      expect(shim.filter((it) => !isShims(it))).toEqual([]);
    }
  });
});

describe('a program', () => {
  let folder: string;
  let program: string;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'crash-point-'));
    program = path.join(folder, 'program.mjs');
    const contents = `import { crashPoint } from './crash-point.ts';
      for (const name of ['launch.recorded', 'runc.ran', 'runc.ran']) {
        process.stdout.write(name + ' ');
        crashPoint(name);
      }`;
    await build({
      stdin: { contents, resolveDir: SRC, loader: 'ts' },
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
    });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const run = (orders?: string) => {
    const file = path.join(folder, 'orders');
    if (orders !== undefined) writeFileSync(file, orders);
    const env = { ...process.env, CONTAINERD_CRASH_AT: file };
    const { signal, stdout } = spawnSync(process.execPath, [program], { env, encoding: 'utf8' });
    return {
      signal,
      came: stdout.trim().split(' ').length,
      left: existsSync(file) && readFileSync(file, 'utf8'),
    };
  };

  it('goes on where it has no orders', () => {
    expect(run()).toEqual({ signal: null, came: 3, left: false });
  });

  it('goes on at any other point', () => {
    expect(run('oom.kept')).toEqual({ signal: null, came: 3, left: 'oom.kept' });
  });

  it('dies at the first point of its orders, and leaves the next one to whoever comes next', () => {
    expect(run('runc.ran\nlaunch.recorded')).toEqual({ signal: 'SIGKILL', came: 2, left: 'launch.recorded' });
    expect(run()).toEqual({ signal: 'SIGKILL', came: 1, left: false });
  });
});
