import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { credentials, makeGenericClientConstructor, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { APIClient, CreateContainerRequest } from '../../src/generated/api.ts';
import { makeFifo } from '../../src/linux/fifo.ts';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { failureOf, TestDaemon } from './fixtures/daemon.ts';
import { makeHoldingRuntime } from './fixtures/restart.ts';

const FOREIGN = `foreign-${process.pid}`;

let bundles: Bundles;
let daemon: TestDaemon;

beforeAll(async () => {
  bundles = await makeBundles();
  daemon = await TestDaemon.start();
});
afterAll(async () => {
  try {
    // Whatever was sent: nothing runs, nothing is left.
    expect(await daemon.containers()).toEqual([]);
    expect(await daemon.runcContainers()).toEqual([]);
  } finally {
    await daemon.remove();
    await bundles.remove();
  }
});

describe('an id', () => {
  const ids = ['', '.', '..', '../x', 'a/b', 'a b', 'a\0b', 'ü', 'x'.repeat(256), '\n', 'a\\b', '%2e%2e'];
  for (const id of ids) {
    it(`is refused: ${JSON.stringify(id.slice(0, 20))}`, async () => {
      const bundle = await bundles.make('plain');
      expect((await failureOf(daemon.create(id, bundle))).code).toBe('INVALID_ARGUMENT');
      expect((await failureOf(daemon.signal(id, 9))).code).toBe('INVALID_ARGUMENT');
    });
  }
  for (const id of ['-v', '--help', '-', 'a+b', '_', 'x'.repeat(255)]) {
    it(`is taken as a name and not as an option: ${id.slice(0, 20)}`, async () => {
      const events = await daemon.events({ id });
      const { pid } = await daemon.create(id, await bundles.make('plain'));
      await daemon.signal(id, 9);
      expect(await events.exit(id, pid)).toMatchObject({ status: 137 });
      events.close();
    });
  }
  it('of 5 MB is refused', async () => {
    const failure = await failureOf(daemon.create('x'.repeat(5_000_000), '/b'));
    expect(failure.code).toBe('RESOURCE_EXHAUSTED');
  });
});

describe('a bundle path', () => {
  const cases: [string, string, string][] = [
    ['', 'INVALID_ARGUMENT', 'empty bundle path'],
    ['relative/path', 'INVALID_ARGUMENT', 'containerd: bundle path "relative/path" is not absolute'],
    ['/nowhere/at/all', 'NOT_FOUND', 'containerd: bundle not found'],
    ['/etc/passwd', 'NOT_FOUND', 'containerd: bundle not found'],
    ['/tmp/a\0b', 'INVALID_ARGUMENT', 'containerd: bundle path holds a NUL byte'],
    [`/${'x'.repeat(5000)}`, 'INVALID_ARGUMENT', 'containerd: bundle path is longer than 4095 bytes'],
  ];
  for (const [bundle, code, message] of cases) {
    it(`is refused: ${JSON.stringify(bundle.slice(0, 20))}`, async () => {
      expect(await failureOf(daemon.create('x', bundle))).toEqual({ code, message });
    });
  }
});

describe('a config.json', () => {
  const cases: [string, string, RegExp][] = [
    ['that is not JSON', 'not json', /bundle is not valid: config.json: /],
    ['that is a list', '[]', /config.json is not an object/],
    ['without a process', '{}', /process is not an object/],
    ['without arguments', '{"process":{"args":[]}}', /process.args is empty/],
    ['with numbers for arguments', '{"process":{"args":[1]}}', /process.args is not a list of strings/],
    [
      'that is nested without end',
      `{"process":{"args":["sh"],"x":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}}`,
      /config.json is nested more than 64 deep/,
    ],
    ['of 50 MB', ' '.repeat(50_000_000), /config.json has 50000000 bytes, more than/],
  ];
  for (const [what, config, message] of cases) {
    it(`${what} is refused`, async () => {
      const failure = await failureOf(daemon.create('x', await bundles.make('bad', { config })));
      expect(failure.code).toBe('INVALID_ARGUMENT');
      expect(failure.message).toMatch(message);
    });
  }
  it.each([
    ['a FIFO', (file: string) => makeFifo(file, 0o600), 'config.json is not a regular file'],
    ['a folder', (file: string) => mkdirSync(file), 'config.json is not a regular file'],
    ['a link to itself', (file: string) => symlinkSync(file, file), 'config.json: ELOOP'],
  ])('that is %s is refused', async (_, make, words) => {
    const bundle = path.join(bundles.folder, `no file ${words}`);
    rmSync(bundle, { recursive: true, force: true });
    mkdirSync(bundle);
    make(path.join(bundle, 'config.json'));
    const failure = await failureOf(daemon.create('x', bundle));
    expect(failure.message).toBe(`containerd: bundle is not valid: ${words}`);
  });
  it('that is a link to a terminal or a device is refused', async () => {
    const bundle = path.join(bundles.folder, 'zero');
    await bundles.make('zero');
    const { rm } = await import('node:fs/promises');
    await rm(path.join(bundle, 'config.json'));
    await symlink('/dev/zero', path.join(bundle, 'config.json'));
    const failure = await failureOf(daemon.create('x', bundle));
    expect(failure.message).toBe('containerd: bundle is not valid: config.json is not a regular file');
  });
});

describe('a signal', () => {
  it('that the kernel does not know is refused', async () => {
    for (const signal of [65, 4_294_967_295]) {
      expect(await failureOf(daemon.signal('x', signal))).toEqual({
        code: 'INVALID_ARGUMENT',
        message: `containerd: unknown signal ${signal}`,
      });
    }
  });
  it('for a container that is not there is refused', async () => {
    expect(await failureOf(daemon.signal('x', 9))).toEqual({
      code: 'NOT_FOUND',
      message: 'containerd: container not found',
    });
  });
  it('for a pid that is not the container’s is refused', async () => {
    const events = await daemon.events({ id: FOREIGN });
    await daemon.create(FOREIGN, await bundles.make('plain'));
    expect(await failureOf(daemon.signal(FOREIGN, 9, process.pid))).toEqual({
      code: 'NOT_FOUND',
      message: 'containerd: processs not found for container',
    });
    await daemon.signal(FOREIGN, 0);
    await daemon.signal(FOREIGN, 9);
    await events.exit(FOREIGN);
    events.close();
  });
});

describe('bytes that are no message', () => {
  const Raw = makeGenericClientConstructor(
    {
      createContainer: {
        path: '/types.API/CreateContainer',
        requestStream: false,
        responseStream: false,
        requestSerialize: (bytes: Buffer) => bytes,
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: (bytes: Buffer) => bytes,
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    },
    'types.API',
  );
  it('are an error, and the daemon goes on', async () => {
    const client = new Raw(`unix:${daemon.socketPath}`, credentials.createInsecure());
    const send = client.createContainer?.bind(client) as unknown as (
      bytes: Buffer,
      callback: (error: ServiceError | null) => void,
    ) => void;
    for (const bytes of [
      Buffer.from([0xff]),
      Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
      Buffer.alloc(100, 0x08),
    ]) {
      const error = await new Promise<ServiceError | null>((resolve) => send(bytes, resolve));
      expect([status.INTERNAL, status.INVALID_ARGUMENT]).toContain(error?.code);
    }
    client.close();
    expect(await daemon.containers()).toEqual([]);
  });
});

describe('a client that hangs up', () => {
  it('while its container waits for a slot starts nothing', async () => {
    const holding = await makeHoldingRuntime(bundles.folder, 'run');
    const one = await TestDaemon.start({ flags: ['--concurrency', '1', '--runtime', holding.file] });
    onTestFinished(() => one.removeNow());
    const bundle = await bundles.make('plain');
    const [first, waits] = ['first', 'waits'].map((name) => `${name}-${process.pid}`) as [string, string];
    const events = await one.events({ types: ['start'] });
    const started = one.create(first, bundle);
    await holding.held();

    const client = new APIClient(`unix:${one.socketPath}`, credentials.createInsecure());
    const call = client.createContainer(
      CreateContainerRequest.fromPartial({ id: waits, bundlePath: bundle }),
      () => {},
    );
    const isKnown = async () => (await failureOf(one.signal(waits, 0))).code;
    await expect.poll(isKnown).toBe('FAILED_PRECONDITION');
    call.cancel();
    client.close();
    await expect.poll(isKnown).toBe('NOT_FOUND');

    await holding.letOn('work');
    await started;
    await events.next(({ id }) => id === first);
    expect((await one.containers()).map(({ id }) => id)).toEqual([first]);
    expect(await holding.calls()).toBe(1);
    await holding.close();
  });
});
