import { describe, expect, it } from 'vitest';
import { lean } from '../../src/history/lean.ts';
import { plain } from '../../src/history/plain.ts';
import { create, exec, spec } from '../machines/fixtures/requests.ts';

const large = { ...spec, env: Array.from({ length: 1000 }, (_, n) => `VARIABLE_${n}=${'x'.repeat(100)}`) };
const sizeOf = (value: unknown): number => JSON.stringify(value).length;

describe('what is kept of an event or a context', () => {
  it.each([
    ['a request', exec()],
    ['how a container begins', { type: 'xstate.init', input: create() }],
    ['what a container knows', { create: create(), processes: [{ spec }], pending: [exec()] }],
    ['what has no arguments', { type: 'slot.granted' }],
    ['the supervisor’s beginning', { type: 'xstate.init', input: undefined }],
    ['nothing', undefined],
  ])('is itself where its arguments are as usual: %s', (_, value) => {
    expect(lean<unknown>(value)).toBe(value);
  });

  it.each([
    ['a request', exec({ spec: large })],
    ['how a container begins', { type: 'xstate.init', input: create({ spec: large }) }],
    ['what a container knows', { create: create({ spec: large }), processes: [{ spec }], pending: [exec()] }],
    ['what else it knows', { create: create(), processes: [{ spec: large }], pending: [] }],
    ['what waits', { create: create(), processes: [], pending: [exec(), exec({ spec: large })] }],
  ])('is less of arguments that are many, and shown as all of it would be: %s', (_, value) => {
    const kept = lean<unknown>(value);
    expect(sizeOf(value)).toBeGreaterThan(100_000);
    expect(sizeOf(kept)).toBeLessThan(20_000);
    expect(JSON.stringify(kept)).toContain('"args":["sleep","1000"]');
    for (const secrets of [true, false]) expect(plain(kept, { secrets })).toEqual(plain(value, { secrets }));
  });

  it('is the same for all who hold the same', () => {
    expect(lean(exec({ spec: large })).spec).toBe(lean(create({ spec: large })).spec);
  });
});
