import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { simplePaths } from '../../src/testing/client-chart.ts';
import { drive } from '../../src/testing/drive.ts';
import { liveDriven } from '../../src/testing/live-driven.ts';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { bin, TestDaemon } from './fixtures/daemon.ts';

const PAGE = new URL('../../docs/model-based-testing.md', import.meta.url);

let bundles: Bundles;
let daemon: TestDaemon;
let bundlePath: string;
beforeAll(async () => {
  bundles = await makeBundles();
  bundlePath = await bundles.make('walked');
  daemon = await TestDaemon.start();
});
afterAll(async () => {
  await daemon?.remove();
  await bundles?.remove();
});

describe('the testing kit', () => {
  it('does what its page says', async () => {
    const [, code = ''] = /```js\n([\s\S]*?)```/.exec(await readFile(PAGE, 'utf8')) ?? [];
    // Within the package, which is found by its name there.
    const file = fileURLToPath(new URL(`../../build/walk-${process.pid}.mjs`, import.meta.url));
    await writeFile(file, code);
    try {
      const env = { ...process.env, ADDRESS: daemon.socketPath, BUNDLE: bundlePath, CTR: bin('ctr') };
      const { stdout } = await promisify(execFile)(process.execPath, [file], { env });
      expect(stdout).toMatch(/^[1-9]\d* paths\n$/);
    } finally {
      await rm(file);
    }
    expect(await daemon.containers()).toEqual([]);
  });

  it('walks a daemon by the charts', async () => {
    const paths = simplePaths();
    for (const [n, path] of paths.entries()) {
      const live = liveDriven({
        address: `unix:${daemon.socketPath}`,
        id: `live-${process.pid}-${n}`,
        bundlePath,
      });
      await drive(live, path);
      await live.close();
    }
    expect(await daemon.containers()).toEqual([]);
  });
});
