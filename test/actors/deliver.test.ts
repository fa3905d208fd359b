import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSignal, createUpdate } from '../../src/actors/deliver.ts';
import { type ErrorName, failureOf } from '../../src/errors.ts';
import { buildShim, ShimUnderTest } from '../shim/shim-under-test.ts';

const built = await buildShim();
const shim = new ShimUnderTest(built.program);
beforeAll(() => shim.connect());
afterAll(async () => {
  await shim.end();
  built.remove();
});

const signal = createSignal(() => shim.client);
const update = createUpdate(() => shim.client);
const of = (id: string) => ({ id, process: 'init' });

const errorOf = (promise: Promise<unknown>): Promise<ErrorName | 'none'> =>
  promise.then(
    () => 'none' as const,
    (thrown) => failureOf(thrown).error,
  );

describe('a signal', () => {
  it('reaches the process, and only it', async () => {
    await shim.client.start(shim.request('one', 'trap "exit 3" USR1; while :; do sleep 0.1; done'));
    await shim.client.start(shim.request('two', 'exec sleep 1000'));
    await signal({ ...of('two'), signal: 0 });
    await signal({ ...of('two'), signal: 9 });
    expect((await shim.exit({ container: 'two', process: 'init' })).status).toBe(137);
    await signal({ ...of('one'), signal: 0 });
  });

  it('to a process that has ended, or was never there, finds none', async () => {
    await shim.client.start(shim.request('short', 'exit 0'));
    await shim.exit({ container: 'short', process: 'init' });
    expect(await errorOf(signal({ ...of('short'), signal: 9 }))).toBe('processNotFound');
    expect(await errorOf(signal({ ...of('nobody'), signal: 9 }))).toBe('processNotFound');
  });

  it('that the kernel does not know is named', async () => {
    await shim.client.start(shim.request('there', 'exec sleep 1000'));
    const error = await signal({ ...of('there'), signal: 65 }).catch((thrown) => thrown);
    expect(failureOf(error)).toMatchObject({
      error: 'unknownSignal',
      message: 'containerd: unknown signal 65',
    });
  });
});

describe('a change', () => {
  it('of the size of a terminal that is not there is refused', async () => {
    await shim.client.start(shim.request('dumb', 'exec sleep 1000'));
    const size = { closeStdin: false, width: 80, height: 24 };
    const error = await update({ ...of('dumb'), ...size }).catch((thrown) => thrown);
    expect(failureOf(error)).toMatchObject({ error: 'noTerminal', status: 'FAILED_PRECONDITION' });
    expect(await errorOf(update({ ...of('nobody'), ...size }))).toBe('processNotFound');
  });

  it('that closes stdin, or changes nothing, is made', async () => {
    await shim.client.start(shim.request('reader', 'exec sleep 1000'));
    const nothing = { closeStdin: false, width: 0, height: 0 };
    expect(await errorOf(update({ ...of('reader'), ...nothing }))).toBe('none');
    expect(await errorOf(update({ ...of('reader'), ...nothing, closeStdin: true }))).toBe('none');
  });
});

it('a shim that is lost is said to be', async () => {
  const other = new ShimUnderTest(built.program);
  await other.connect();
  other.client.close();
  expect(await errorOf(createSignal(() => other.client)({ ...of('one'), signal: 9 }))).toBe('shimLost');
  const nothing = { closeStdin: false, width: 0, height: 0 };
  expect(await errorOf(createUpdate(() => other.client)({ ...of('one'), ...nothing }))).toBe('shimLost');
  await other.end();
});
