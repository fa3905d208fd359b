import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildShim, ShimUnderTest } from './shim-under-test.ts';

let built: Awaited<ReturnType<typeof buildShim>>;
let shim: ShimUnderTest;
beforeAll(async () => {
  built = await buildShim();
});
afterAll(() => built.remove());
beforeEach(async () => {
  shim = new ShimUnderTest(built.program);
  await shim.connect();
});
afterEach(() => shim.end());

const textOf = (path: string): string => readFileSync(path, 'utf8');
const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe('what is written down of a start', () => {
  it('is there before its program is run, for the daemon alone', async () => {
    const [folder, file, seen] = [shim.path('folder'), shim.path('folder/record'), shim.path('seen')];
    const record = { folder, file, text: 'it is about to start' };
    await shim.run(shim.request('a', `cp ${file} ${seen}`, { record }));
    expect(textOf(seen)).toBe('it is about to start');
    expect([modeOf(folder), modeOf(file)]).toEqual([0o700, 0o600]);
  });

  it('may be a file alone, and another in its place', async () => {
    const file = shim.path('record');
    writeFileSync(file, 'of a former one, and longer');
    await shim.run(shim.request('a', '', { record: { folder: '', file, text: 'new' } }));
    expect(textOf(file)).toBe('new');
  });

  it('is of a folder that is not there yet, or nothing is started', async () => {
    const [folder, file, ran] = [shim.path('folder'), shim.path('folder/record'), shim.path('ran')];
    mkdirSync(folder);
    const request = shim.request('a', `touch ${ran}`, { record: { folder, file, text: '' } });
    await expect(shim.client.start(request)).rejects.toMatchObject({
      reason: 'record',
      errno: constants.errno.EEXIST,
      message: expect.stringContaining('EEXIST'),
    });
    expect(() => statSync(ran)).toThrow('ENOENT');
    // The key is free again.
    await shim.run(shim.request('a', `touch ${ran}`));
    expect(statSync(ran).isFile()).toBe(true);
  });

  it('says why it cannot be written', async () => {
    const record = { folder: '', file: shim.path('no/such/folder'), text: '' };
    await expect(shim.client.start(shim.request('a', '', { record }))).rejects.toMatchObject({
      reason: 'record',
      errno: constants.errno.ENOENT,
    });
  });
});

describe('who a process is', () => {
  it('is written down once it runs, for the daemon alone', async () => {
    const startedFile = shim.path('started');
    const { pid, startTime, unwritten } = await shim.client.start(
      shim.request('a', 'exec sleep 600', { startedFile }),
    );
    expect(JSON.parse(textOf(startedFile))).toEqual({ pid, startTime: String(startTime) });
    expect(modeOf(startedFile)).toBe(0o600);
    expect(unwritten).toBe('');
  });

  it('is told all the same where it cannot be, and why not', async () => {
    const startedFile = shim.path('folder');
    mkdirSync(startedFile);
    const started = await shim.client.start(shim.request('a', 'exec sleep 600', { startedFile }));
    expect(started).toMatchObject({ pid: expect.any(Number), unwritten: expect.stringContaining('EISDIR') });
  });
});
