import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allPaths, stepPaths } from '../../src/testing/client-chart.ts';
import { drive } from '../../src/testing/drive.ts';
import { liveDriven } from '../../src/testing/live-driven.ts';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { bin, TestDaemon } from './fixtures/daemon.ts';
import { OutsideProject, RESOLUTIONS, type Resolution } from './fixtures/outside-project.ts';

const PAGE = new URL('../../docs/model-based-testing.md', import.meta.url);
const resolutions = Object.keys(RESOLUTIONS) as Resolution[];

/** The program on the page that is in this language. */
async function onPage(language: 'js' | 'ts'): Promise<string> {
  const [, code] =
    new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(await readFile(PAGE, 'utf8')) ?? [];
  if (code === undefined) throw new Error(`there is nothing in ${language} on the page`);
  return code;
}

describe('the testing kit, in a project outside of this one,', () => {
  let project: OutsideProject;
  beforeAll(async () => {
    project = await OutsideProject.make();
    await project.write('remembering.ts', await onPage('ts'));
    await project.write('walk.mjs', await onPage('js'));
  });
  afterAll(() => project?.remove());

  it.each(resolutions)('compiles by %s, and drives a simulated host as its page says', async (resolution) => {
    const program = await project.compile('remembering.ts', resolution);
    expect(await project.run(program)).toBe(`${allPaths(3).length} paths\n`);
  });

  it.each(resolutions)('has types by %s that know its steps', async (resolution) => {
    await project.write(
      'wrong.ts',
      `import { drive, pureDriven } from 'containerd-xstate/testing';
await drive(pureDriven(), [{ step: 'halt', status: 'running' }]);`,
    );
    await expect(project.compile('wrong.ts', resolution)).rejects.toThrow(`'"halt"' is not assignable`);
  });

  it.each(resolutions)('has charts by %s that an actor of theirs can be made of', async (resolution) => {
    await project.write(
      'charts.ts',
      `import { containerMachine, type CoverageReport, Coverage } from 'containerd-xstate/testing';
import { getInitialSnapshot } from 'xstate';
const { context } = getInitialSnapshot(containerMachine, {
  type: 'create', requestId: '1', id: 'c', bundlePath: '/b', checkpoint: '',
  stdio: { stdin: '', stdout: '', stderr: '', console: '' },
  spec: { terminal: false, user: { uid: 0, gid: 0, additionalGids: [] }, args: [], env: [], cwd: '/' },
  inherited: { process: {}, path: '' }, hooks: false,
});
const { states }: CoverageReport = new Coverage(containerMachine).report();
console.log(context.id, states.missing.length === states.all.length);`,
    );
    const program = await project.compile('charts.ts', resolution);
    // The project's own XState is the package's.
    expect(await project.run(program)).toBe('c true\n');
  });

  it('says that there is no daemon, and does not wait for one', async () => {
    const live = liveDriven({ address: 'unix:/nowhere.sock', id: 'c', bundlePath: '/nowhere' });
    await expect(live.take('kill')).rejects.toThrow('UNAVAILABLE');
    await expect(live.close()).rejects.toThrow('UNAVAILABLE');
  });

  describe('with a daemon', () => {
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

    it('does what its page says', async () => {
      for (const resolution of resolutions) await project.compile('walk.mjs', resolution);
      const env = { ADDRESS: daemon.socketPath, BUNDLE: bundlePath, CTR: bin('ctr') };
      expect(await project.run(`${project.folder}/walk.mjs`, env)).toBe('12 paths\n');
      expect(await daemon.containers()).toEqual([]);
    });

    it('walks it by the charts', async () => {
      const paths = stepPaths();
      for (const [n, path] of paths.entries()) {
        const live = liveDriven({
          address: `unix:${daemon.socketPath}`,
          id: `live-${process.pid}-${n}`,
          bundlePath,
        });
        await drive(live, path).finally(live.close);
      }
      expect(await daemon.containers()).toEqual([]);
      expect(await readdir(`${bundlePath}/checkpoints`)).toEqual([]);
    });

    it('says what is wrong with the bundle that it is given', async () => {
      const live = liveDriven({
        address: `unix:${daemon.socketPath}`,
        id: `nowhere-${process.pid}`,
        bundlePath: '/nowhere',
      });
      await expect(live.take('create')).rejects.toThrow('bundle not found');
      await live.close();
    });
  });
});
