import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { Window } from '../e2e/fixtures/terminal.ts';

const BACK = '\x1b[?25h\x1b[?1049l';
const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url));

let window: Window | undefined;
afterEach(() => window?.close());

describe('the screen', () => {
  it('is given back before an error that nobody expected is told', async () => {
    window = new Window(process.execPath, [
      pathOf('../../scripts/run-ts.mjs'),
      pathOf('fixtures/failing-screen.ts'),
    ]);
    const before = window.settings();
    await window.shows(/drawn/);
    window.type('m');
    await window.shows('Error: cannot draw');
    expect(await window.ended()).not.toBe(0);
    const { text } = window;
    expect(text.indexOf(BACK)).toBeGreaterThan(text.indexOf('drawn'));
    expect(text.indexOf(BACK)).toBeLessThan(text.indexOf('Error: cannot draw'));
    expect(window.settings()).toEqual(before);
  });
});
