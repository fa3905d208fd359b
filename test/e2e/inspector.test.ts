import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Inspector, startInspector } from '../../src/inspector/server.ts';
import { startSimulatedSystem } from '../inspector/simulated-system.ts';
import { complaintsOf, openPage, startBrowser, takePicture, textOf } from './fixtures/browser.ts';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { TestDaemon } from './fixtures/daemon.ts';

const PAGE = fileURLToPath(new URL('../../dist/inspector/index.html', import.meta.url));

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

const lit = (page: Page): Promise<string[]> =>
  page.$$eval('.state.active', (states) => states.map((it) => (it as SVGElement).dataset.id ?? ''));
const states = (page: Page): Promise<string[]> =>
  page.$$eval('.events .then b', (all) => all.map((it) => it.textContent ?? '').toReversed());

describe('the page of a daemon', () => {
  let daemon: TestDaemon;
  let bundles: Bundles;
  let url: string;
  let page: Page;
  const id = `seen-${process.pid}`;
  const { title } = process;

  beforeAll(async () => {
    // That is what the page calls this client.
    process.title = 'orchestrator';
    bundles = await makeBundles();
    daemon = await TestDaemon.start({ flags: ['--inspect', '0', '--id', 'deathstar'] });
    url = String(daemon.log.find(({ msg }) => msg === 'the live page is there')?.url);
    page = await openPage(browser, url);
  });
  afterAll(async () => {
    await page.close();
    await daemon.remove();
    await bundles.remove();
    process.title = title;
  });

  it('shows a container that starts', async () => {
    const bundle = await bundles.make('seen', {
      args: ['sleep', '1000'],
      env: ['PATH=/bin', 'TOKEN=hunter2'],
    });
    await daemon.create(id, bundle);
    await page.waitForFunction((name) => document.querySelector('#rows')?.textContent?.includes(name), id);
    await page.evaluate((name) => {
      [...document.querySelectorAll<HTMLElement>('.row')]
        .find((it) => it.textContent?.includes(name))
        ?.click();
    }, id);
    await expect.poll(() => textOf(page, '#name')).toBe(id);
    await expect.poll(() => textOf(page, '#where')).toMatch(/^running\.steady · for .* · pid \d+$/);
    await expect
      .poll(() => lit(page))
      .toEqual(['container', 'container.running', 'container.running.steady']);
    await expect
      .poll(() => states(page))
      .toEqual(['created.queued', 'created.launching.starting', 'running.steady']);
    expect(await textOf(page, '.events')).toMatch(
      new RegExp(`CreateContainer by orchestrator \\(pid ${process.pid}, uid 0\\)`),
    );
  });

  it('shows it paused, by the transition that was taken', async () => {
    await daemon.update(id, { status: 'paused' });
    await expect.poll(() => lit(page)).toContain('container.paused.steady');
    expect(await states(page)).toEqual(expect.arrayContaining(['running.pausing', 'paused.steady']));
    const taken = await page.$$eval('.edge.taken', (all) => all.map((it) => (it as SVGElement).dataset.id));
    expect(taken).toEqual(['container.running.pausing→container.paused']);
    const possible = await page.$$eval('.edge.possible', (all) =>
      all.map((it) => (it as SVGElement).dataset.id),
    );
    expect(possible).toContain('container.paused.steady→container.paused.resuming');
  });

  it('shows a checkpoint, and what runc says where it fails', async () => {
    await daemon.update(id, { status: 'running' });
    await daemon.call('createCheckpoint', {
      id,
      checkpoint: { name: 'snap', exit: false, tcp: false, unixSockets: false, shell: false },
    });
    await expect.poll(() => states(page)).toContain('running.checkpointing');
    await daemon.exec(id, ['nowhere']).catch(() => {});
    await expect.poll(() => textOf(page, '.events')).toContain('"nowhere": executable file not found');
  });

  it('shows the messages between its actors', async () => {
    await page.click('#tab-sequence');
    const lanes = await page.$$eval('.sequence .heads text', (all) => all.map((it) => it.textContent));
    expect(lanes).toEqual(expect.arrayContaining(['clients', 'init', 'effects']));
    expect(await textOf(page, '.sequence')).toContain('process.running');
    await takePicture(page, 'sequence');
    await page.click('#tab-events');
  });

  it('goes back to any step, and shows chart and context as they were', async () => {
    const before = await page.$$eval('.events li', (all) => all.length);
    await page.fill('#step', '1');
    expect(await lit(page)).toContain('container.created.launching.starting');
    await page.click('#tab-context');
    expect(await textOf(page, '#panel')).toContain('"init"');
    expect(await textOf(page, '#panel')).not.toContain('hunter2');
    await takePicture(page, 'past');
    await page.click('#live');
    await page.click('#tab-events');
    expect(await lit(page)).toContain('container.running.steady');
    expect(await page.$$eval('.events li', (all) => all.length)).toBeGreaterThanOrEqual(before);
  });

  it('is usable by keys alone', async () => {
    await page.focus('#tree');
    await page.keyboard.press('Home');
    expect(await textOf(page, '#name')).toBe('supervisor');
    await page.keyboard.press('ArrowDown');
    expect(await textOf(page, '#name')).toBe(id);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    await expect.poll(() => textOf(page, '#name')).toBe(`${id} / init`);
    await expect.poll(() => lit(page)).toEqual(['process', 'process.running', 'process.running.alive']);
    await page.keyboard.press('ArrowLeft');
  });

  it.each(['light', 'dark'] as const)('has nothing that axe-core finds wrong: %s', async (scheme) => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    for (const tab of ['sequence', 'context', 'next', 'events']) {
      await page.click(`#tab-${tab}`);
      expect(await complaintsOf(page)).toEqual([]);
    }
    await takePicture(page, scheme);
  });

  it('shows its end, and keeps what has been', async () => {
    await daemon.signal(id, 9);
    await expect.poll(() => textOf(page, '#where')).toMatch(/^deleted · gone for /);
    expect(await textOf(page, '#filters')).toMatch(/gone ?1/);
    expect(await states(page)).toEqual(expect.arrayContaining(['exited.deleting', 'deleted']));
    const stretches = await page.$$eval('#timeline span', (all) =>
      all.map((it) => (it as HTMLElement).title.split(' ')[0]),
    );
    expect(stretches).toEqual(
      expect.arrayContaining(['running.steady', 'paused.steady', 'running.checkpointing']),
    );
  });

  it('hands the events to Stately’s inspector', async () => {
    // What it does on the other side is its own package's, in the place of a site that cannot be reached.
    const { outputFiles } = await build({
      stdin: {
        contents: `import { createBrowserReceiver } from '@statelyai/inspect';
          createBrowserReceiver().subscribe(({ type, name }) => { document.title += type + ' ' + (name ?? '') + ';'; });`,
        resolveDir: fileURLToPath(new URL('../..', import.meta.url)),
      },
      bundle: true,
      write: false,
      format: 'iife',
      platform: 'browser',
      logLevel: 'silent',
    });
    const bridge = await browser.newPage();
    const body = `<!doctype html><title>-</title><script>${outputFiles[0]?.text}</script>`;
    await bridge.route('https://stately.ai/**', (route) => route.fulfill({ contentType: 'text/html', body }));
    await bridge.goto(url.replace('/?', '/stately?'));
    await expect
      .poll(async () =>
        bridge
          .frames()[1]
          ?.title()
          .catch(() => ''),
      )
      .toContain('@xstate.actor supervisor;@xstate.snapshot');
    await bridge.close();
  });
});

describe('the page of a thousand containers', () => {
  let inspector: Inspector;
  let page: Page;
  beforeAll(async () => {
    const { recorder, start, pause, kill } = await startSimulatedSystem();
    inspector = await startInspector({
      onTrouble: () => {},
      host: '127.0.0.1',
      port: 0,
      id: 'deathstar',
      recorder,
      secrets: false,
      page: await readFile(PAGE, 'utf8'),
    });
    page = await openPage(browser, inspector.url);
    const ids = Array.from({ length: 1000 }, (_, n) => `web-${n}`);
    await Promise.all(ids.map((id) => start(id)));
    await Promise.all(ids.slice(0, 120).map(pause));
    await Promise.all(ids.slice(500, 530).map(kill));
    await page.waitForFunction(() =>
      /all 970/.test(document.querySelector('#filters')?.textContent?.replace('all', 'all ') ?? ''),
    );
  });
  afterAll(async () => {
    await page.close();
    inspector.close();
  });

  /** How long the page takes from an action to its picture: of 15 the fourth, as the machine has other work. */
  const pictureMs = (action: 'scroll' | 'select') =>
    page.evaluate(async (what) => {
      const tree = document.querySelector('#tree') as HTMLElement;
      const takes: number[] = [];
      for (let n = 1; n <= 15; n++) {
        const began = performance.now();
        if (what === 'scroll') tree.scrollTop = n * 1500;
        else document.querySelectorAll<HTMLElement>('.row')[n]?.click();
        await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
        takes.push(performance.now() - began);
      }
      return takes.toSorted((a, b) => a - b)[3] ?? Number.POSITIVE_INFINITY;
    }, action);

  it('has few elements', async () => {
    expect(await page.$$eval('.row', (rows) => rows.length)).toBeLessThan(100);
    await takePicture(page, 'thousand');
  });

  it('scrolls within 100 ms', async () => {
    expect(await pictureMs('scroll')).toBeLessThan(100);
    expect(await page.$$eval('.row', (rows) => rows.length)).toBeGreaterThan(10);
  });

  it('selects within 100 ms', async () => {
    expect(await pictureMs('select')).toBeLessThan(100);
  });

  it('selects what is pressed, though it is drawn anew before the button is up', async () => {
    const row = page.locator('.row').nth(5);
    const [id, next] = [
      await row.locator('.id').textContent(),
      await page.locator('.row .id').nth(6).textContent(),
    ];
    await row.hover();
    await page.mouse.down();
    await page.evaluate(() => document.querySelector('#tree')?.dispatchEvent(new Event('scroll')));
    await page.mouse.up();
    await expect.poll(() => textOf(page, '#name')).toBe(id);
    await page.keyboard.press('ArrowDown');
    await expect.poll(() => textOf(page, '#name')).toBe(next);
  });

  it('finds one by its id, and those of a state', async () => {
    await page.locator('#search').pressSequentially('web-999');
    await expect
      .poll(() => page.$$eval('.row .id', (all) => all.map((it) => it.textContent)))
      .toEqual(['supervisor', 'web-999']);
    await page.fill('#search', '');
    await page.click('[data-filter="paused"]');
    await expect
      .poll(() => page.$$eval('.row .state', (all) => new Set(all.slice(1).map((it) => it.textContent)).size))
      .toBe(1);
    expect(await textOf(page, '[data-filter="paused"]')).toBe('paused120');
  });

  it('chooses the one that its address names, of however many', async () => {
    const named = await openPage(browser, `${inspector.url}#web-800`);
    await expect.poll(() => textOf(named, '#name')).toBe('web-800');
    expect(new URL(named.url()).hash).toBe('#web-800');
    await named.close();
    const nonsense = await openPage(browser, `${inspector.url}#%zz`);
    await expect.poll(() => textOf(nonsense, '#name')).toBe('supervisor');
    await nonsense.close();
  });

  it('says what to do where another daemon answers', async () => {
    const { recorder } = await startSimulatedSystem();
    const options = { id: 'm', host: '127.0.0.1', recorder, secrets: false, onTrouble: () => {} };
    const html = await readFile(PAGE, 'utf8');
    const before = await startInspector({ ...options, port: 0, page: html });
    const left = await openPage(browser, before.url);
    before.close();
    await expect.poll(() => textOf(left, '#link')).toBe('daemon is gone, trying again');
    const after = await startInspector({ ...options, port: Number(new URL(before.url).port), page: html });
    await expect.poll(() => textOf(left, '#link')).toContain('open the address that it has logged');
    await left.close();
    after.close();
  });
});
