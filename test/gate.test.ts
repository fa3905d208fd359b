import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createGate, type Patience } from '../src/gate.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A task that ends when it is told to. */
function task(name: string, log: string[]) {
  let end = (_?: Error) => {};
  const ended = new Promise<string>((resolve, reject) => {
    end = (error) => (error === undefined ? resolve(name) : reject(error));
  });
  const run = () => {
    log.push(name);
    return ended;
  };
  return { run, end };
}
const patience = (left: string[] = []): Patience<string> => ({
  timeoutMs: 1_000,
  noTurn: () => new Error('no turn'),
  late: () => new Error('late'),
  leave: (value) => left.push(value),
});

it('a gate lets so many through at a time, in their order, whatever becomes of them', async () => {
  const log: string[] = [];
  const tasks = ['a', 'b', 'c', 'd'].map((name) => task(name, log));
  const [a, b, c, d] = tasks;
  const gate = createGate(2);
  const outcomes = tasks.map(({ run }) => gate(run));
  await vi.advanceTimersByTimeAsync(0);
  expect(log).toEqual(['a', 'b']);
  b?.end(new Error('broken'));
  await expect(outcomes[1]).rejects.toThrow('broken');
  await vi.advanceTimersByTimeAsync(0);
  expect(log).toEqual(['a', 'b', 'c']);
  a?.end();
  await outcomes[0];
  await vi.advanceTimersByTimeAsync(0);
  expect(log).toEqual(['a', 'b', 'c', 'd']);
  c?.end();
  d?.end();
  expect(await Promise.all([outcomes[0], outcomes[2], outcomes[3]])).toEqual(['a', 'c', 'd']);
});

it('one that is given up keeps its place until it has ended, and what it gives is left to be undone', async () => {
  const log: string[] = [];
  const left: string[] = [];
  const [slow, next] = [task('slow', log), task('next', log)];
  const gate = createGate(1);
  const late = expect(gate(slow.run, patience(left))).rejects.toThrow('late');
  await vi.advanceTimersByTimeAsync(1_000);
  await late;
  const given = gate(next.run);
  await vi.advanceTimersByTimeAsync(0);
  expect(log).toEqual(['slow']);
  slow.end();
  await vi.advanceTimersByTimeAsync(0);
  expect(left).toEqual(['slow']);
  next.end();
  expect(await given).toBe('next');
});

it('one whose turn does not come is not begun any more', async () => {
  const log: string[] = [];
  const [slow, never, next] = [task('slow', log), task('never', log), task('next', log)];
  const gate = createGate(1);
  const given = gate(slow.run);
  const refused = expect(gate(never.run, patience())).rejects.toThrow('no turn');
  await vi.advanceTimersByTimeAsync(1_000);
  await refused;
  slow.end();
  next.end();
  expect(await given).toBe('slow');
  expect(await gate(next.run, patience())).toBe('next');
  expect(log).toEqual(['slow', 'next']);
  expect(vi.getTimerCount()).toBe(0);
});
