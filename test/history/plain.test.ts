import { describe, expect, it } from 'vitest';
import { MASK, plain } from '../../src/history/plain.ts';

const spec = { args: ['redis', '--requirepass', 'hunter2'], env: ['PATH=/bin', 'TOKEN=a=b\nc'], cwd: '/' };

describe('what somebody sees of an event', () => {
  it('has of args the program and of env the names, however deep they are', () => {
    const seen = plain({ create: { spec }, pending: [{ spec }] }, { secrets: false });
    const masked = { args: ['redis', MASK, MASK], env: [`PATH=${MASK}`, `TOKEN=${MASK}`], cwd: '/' };
    expect(seen).toEqual({ create: { spec: masked }, pending: [{ spec: masked }] });
    expect(JSON.stringify(seen)).not.toContain('hunter2');
  });

  it('has all of it where secrets are asked for', () => {
    expect(plain({ spec }, { secrets: true })).toEqual({ spec });
  });

  it('has the words of an error, and numbers of any size', () => {
    expect(plain({ error: new Error('no'), at: 2n ** 64n }, { secrets: false })).toEqual({
      error: { error: 'Error', message: 'no' },
      at: '18446744073709551616',
    });
  });

  it('may have any key that JSON has', () => {
    const json = '{"valueOf":[1],"__proto__":[2],"hasOwnProperty":[3],"constructor":["a"]}';
    expect(JSON.stringify(plain(JSON.parse(json), { secrets: false }))).toBe(json);
  });

  it('is cut where it is long', () => {
    const seen = plain({ text: 'x'.repeat(10_000), list: Array(1000).fill(1) }, { secrets: false });
    expect(JSON.stringify(seen).length).toBeLessThan(3000);
    expect(seen).toMatchObject({ list: expect.arrayContaining(['… 936 more']) });
  });

  it('is cut where it is much in all, however it is nested, and has what comes after', () => {
    const many = (of: unknown) => Array(60).fill(of);
    const seen = plain({ queue: many(many(many({ id: 'c' }))), containers: 3 }, { secrets: false });
    expect(JSON.stringify(seen).length).toBeLessThan(100_000);
    expect(seen).toMatchObject({ queue: expect.anything(), containers: 3 });
    const keys = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`key-${n}`, n]));
    const cut = plain(keys, { secrets: false }) as object;
    expect(Object.entries(cut).slice(-2)).toEqual([
      ['key-63', 63],
      ['…', '9936 more'],
    ]);
  });
});
