import { expect, it } from 'vitest';
import { clientIn, clientWords } from '../../src/history/client.ts';

const peer = { pid: 4711, uid: 0, program: 'ctr' };

it.each([
  [peer, 'Signal by ctr (pid 4711, uid 0)'],
  [{ ...peer, program: '' }, 'Signal by a program (pid 4711, uid 0)'],
  [{ pid: 0, uid: 65534, program: '' }, 'Signal by a program (out of sight, uid 65534)'],
  [undefined, 'Signal by nobody knows whom'],
])('of %j it is said: %s', (of, words) => {
  expect(clientWords({ method: 'Signal', peer: of })).toBe(words);
});

it('a container begins with its client’s request', () => {
  const client = { method: 'CreateContainer', peer };
  expect(clientIn({ type: 'xstate.init', input: { client } })).toBe(client);
  expect(clientIn({ type: 'update', client })).toBe(client);
  expect(clientIn({ type: 'xstate.init', input: undefined })).toBeUndefined();
});
