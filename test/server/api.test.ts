import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ClientUnaryCall, type ServiceError, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as wire from '../../src/generated/api.ts';
import { within } from '../linux/deadline.ts';
import { PlayedSystem } from '../machines/fixtures/system.ts';
import { Served } from './served.ts';

const BUNDLE = new URL('fixtures/bundle', import.meta.url).pathname;

let played: PlayedSystem;
let served: Served;
let bundle: string;
beforeEach(async () => {
  played = await PlayedSystem.start({ concurrency: 1 });
  served = await Served.start(played.system);
  bundle = await mkdtemp(path.join(tmpdir(), 'bundle-'));
  await cp(BUNDLE, bundle, { recursive: true });
});
afterEach(async () => {
  await served.end();
  await rm(bundle, { recursive: true });
});

type Answer<Response> = {
  call: ClientUnaryCall;
  reply: Promise<Response | { code: string; details: string }>;
};

/** A call, and what it is answered. */
function ask<Request, Response>(
  method: (
    request: Request,
    callback: (error: ServiceError | null, response: Response) => void,
  ) => ClientUnaryCall,
  request: Request,
): Answer<Response> {
  let call: ClientUnaryCall | undefined;
  const reply = new Promise<Response | { code: string; details: string }>((resolve) => {
    call = method.call(served.client, request, (error, response) =>
      resolve(error ? { code: status[error.code] ?? '', details: error.details } : response),
    );
  });
  return { call: call as unknown as ClientUnaryCall, reply: within(15_000, 'the answer', reply) };
}

const create = (id: string) =>
  ask(served.client.createContainer, wire.CreateContainerRequest.fromPartial({ id, bundlePath: bundle }));
const underWay = (what: string[]) => expect.poll(() => played.underWay()).toEqual(what);

/** A container that runs; its pid. */
async function started(id: string): Promise<number> {
  const { reply } = create(id);
  await underWay(['launch init']);
  const pid = await played.launched();
  expect(await reply).toEqual({ pid });
  return pid;
}

describe('a client that goes away', () => {
  it('while its container waits to be started has nothing started', async () => {
    const first = create('first');
    await underWay(['launch init']);
    const second = create('second');
    const third = create('third');
    await expect.poll(() => played.system.countActors()).toBe(5);
    second.call.cancel();
    expect(await second.reply).toMatchObject({ code: 'CANCELLED' });
    await expect.poll(() => played.system.countActors()).toBe(4);
    const firstPid = await played.launched();
    expect(await first.reply).toEqual({ pid: firstPid });
    await underWay(['launch init']);
    const thirdPid = await played.launched();
    expect(await third.reply).toEqual({ pid: thirdPid });
    expect(played.system.list().map(({ id }) => id)).toEqual(['first', 'third']);
    expect(played.reports).toEqual([]);
  });

  it('while its container is being started has it started all the same', async () => {
    const { call, reply } = create('box');
    await underWay(['launch init']);
    call.cancel();
    expect(await reply).toMatchObject({ code: 'CANCELLED' });
    await played.launched();
    expect(played.system.find('box')?.status).toBe('running');
    expect(played.reports).toEqual([]);
  });
});

describe('an answer', () => {
  it('is the outcome of what was asked, or why not', async () => {
    const pid = await started('box');
    const signal = (of: Partial<wire.SignalRequest>) =>
      ask(served.client.signal, wire.SignalRequest.fromPartial({ id: 'box', ...of }));
    const sent = signal({ pid, signal: 15 });
    await underWay(['signal init']);
    await played.effects.done('signal', {});
    expect(await sent.reply).toEqual({});
    expect(await signal({ pid: 1 }).reply).toEqual({
      code: 'NOT_FOUND',
      details: 'containerd: processs not found for container',
    });
    expect(await signal({ id: 'other' }).reply).toEqual({
      code: 'NOT_FOUND',
      details: 'containerd: container not found',
    });
    expect(await create('box').reply).toEqual({
      code: 'ALREADY_EXISTS',
      details: 'containerd: container already exists',
    });
  });

  it('comes though its words cannot be sent as they are', async () => {
    await started('box');
    // Cut after 64 of UTF-16's units, it would end within a character.
    const text = `${'x'.repeat(63)}😀 and more`;
    const update = wire.UpdateContainerRequest.fromPartial({ id: 'box', status: text });
    expect(await ask(served.client.updateContainer, update).reply).toEqual({
      code: 'INVALID_ARGUMENT',
      details: `containerd: unknown container status ${'x'.repeat(63)}😀…`,
    });
  });

  it('comes though the system has ended', async () => {
    await played.stop();
    await played.system.stopped;
    expect(await create('box').reply).toEqual({
      code: 'UNAVAILABLE',
      details: 'containerd: supervisor is shutdown',
    });
  });

  it('has every container that runs, and the machine', async () => {
    const pid = await started('box');
    const state = (await ask(served.client.state, {}).reply) as wire.StateResponse;
    expect(state.machine).toEqual({ id: 'm', cpus: 2, memory: 2n ** 33n });
    expect(state.containers).toMatchObject([
      {
        id: 'box',
        name: 'box',
        bundlePath: bundle,
        status: 'running',
        processes: [{ pid, args: ['sh'], cwd: '/' }],
      },
    ]);
  });
});

describe('a request for the checkpoints', () => {
  it('of a container that is not there, or not yet, says so', async () => {
    create('box');
    await underWay(['launch init']);
    for (const id of ['nobody', 'box']) {
      const { reply } = ask(served.client.listCheckpoint, { id });
      expect(await reply).toEqual({ code: 'NOT_FOUND', details: 'no such containers' });
    }
  });
});
