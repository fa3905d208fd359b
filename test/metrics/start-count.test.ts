import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStartCount } from '../../src/metrics/start-count.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'starts-'));
  file = join(folder, 'starts.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the count of starts', () => {
  it('begins at 0, and goes on where it was written down', async () => {
    const first = await openStartCount(file);
    expect([first.count, first.sequence]).toEqual([0, 0n]);
    first.add(3);
    await first.save(2n ** 60n);
    first.add(1);
    const second = await openStartCount(file);
    expect([second.count, second.sequence]).toEqual([3, 2n ** 60n]);
  });

  it('is not written where it has not changed', async () => {
    const count = await openStartCount(file);
    await count.save(0n);
    expect(() => readFileSync(file)).toThrow('ENOENT');
    count.add(3);
    await count.save(7n);
    rmSync(file);
    await count.save(7n);
    expect(() => readFileSync(file)).toThrow('ENOENT');
  });

  it('is written where there were events that are no starts: they need not be looked through again', async () => {
    const count = await openStartCount(file);
    count.add(3);
    await count.save(7n);
    await count.save(9n);
    const next = await openStartCount(file);
    expect([next.count, next.sequence]).toEqual([3, 9n]);
  });

  it('is written down whole, each time in its turn, where that is asked for while it is being written', async () => {
    const count = await openStartCount(file);
    const saves: Promise<void>[] = [];
    for (let sequence = 1n; sequence <= 50n; sequence++) {
      count.add(1);
      saves.push(count.save(sequence));
    }
    await Promise.all(saves);
    const next = await openStartCount(file);
    expect([next.count, next.sequence]).toEqual([50, 50n]);
  });

  it('begins anew where it is torn or is nothing of ours, and never throws', async () => {
    const count = await openStartCount(file);
    count.add(3);
    await count.save(7n);
    const whole = readFileSync(file).length - 1;
    for (let length = whole - 1; length >= 0; length--) {
      truncateSync(file, length);
      expect((await openStartCount(file)).count).toBe(0);
    }
    for (const text of ['null', '[]', '{"count":-1,"sequence":"1"}', '{"count":1,"sequence":null}', '\0']) {
      writeFileSync(file, text);
      expect((await openStartCount(file)).count).toBe(0);
    }
  });
});
