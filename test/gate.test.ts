import { expect, it } from 'vitest';
import { createGate } from '../src/gate.ts';

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

it('a gate lets so many through at a time, in their order, whatever becomes of them', async () => {
  const log: string[] = [];
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => task(name, log));
  const gate = createGate(2);
  const outcomes = [a, b, c, d].map((it) => gate(it?.run ?? (async () => '')));
  expect(log).toEqual(['a', 'b']);
  b?.end(new Error('broken'));
  await expect(outcomes[1]).rejects.toThrow('broken');
  expect(log).toEqual(['a', 'b', 'c']);
  a?.end();
  await outcomes[0];
  expect(log).toEqual(['a', 'b', 'c', 'd']);
  c?.end();
  d?.end();
  expect(await Promise.all([outcomes[0], outcomes[2], outcomes[3]])).toEqual(['a', 'c', 'd']);
});
