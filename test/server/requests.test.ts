import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Bundle } from '../../src/bundle/bundle.ts';
import { ContainerdError } from '../../src/errors.ts';
import * as wire from '../../src/generated/api.ts';
import {
  checkpointRequest,
  createRequest,
  deleteCheckpointRequest,
  execRequest,
  signalRequest,
  updateProcessRequest,
  updateRequest,
} from '../../src/server/requests.ts';

const bundle: Bundle = {
  process: { terminal: false, user: { uid: 0, gid: 0, additionalGids: [] }, args: ['sh'], env: [], cwd: '/' },
  inherited: { process: { noNewPrivileges: true }, path: 'PATH=/bin' },
  readonlyRoot: false,
  hooks: true,
};

async function refusal(make: () => unknown): Promise<string> {
  try {
    await make();
  } catch (error) {
    if (error instanceof ContainerdError) return error.message;
    throw error;
  }
  throw new Error('it passed');
}

describe('a create', () => {
  const of = (fields: Partial<wire.CreateContainerRequest>) =>
    wire.CreateContainerRequest.fromPartial({ id: 'c', bundlePath: '/b', ...fields });
  const read: string[] = [];
  const make = (fields: Partial<wire.CreateContainerRequest>) => {
    read.length = 0;
    return createRequest('r1', of(fields), async (bundlePath) => {
      read.push(bundlePath);
      return bundle;
    });
  };

  it('has what its client asked for, and what its bundle says', async () => {
    expect(
      await make({ bundlePath: '/b/../b/', stdin: '/i', console: '/dev/pts/1', checkpoint: 'cp' }),
    ).toEqual({
      type: 'create',
      requestId: 'r1',
      id: 'c',
      bundlePath: '/b',
      stdio: { stdin: '/i', stdout: '', stderr: '', console: '/dev/pts/1' },
      spec: bundle.process,
      inherited: bundle.inherited,
      hooks: true,
      checkpoint: 'cp',
    });
    expect(read).toEqual(['/b']);
  });

  it.each([
    [{ id: '..' }, 'containerd: container id ".." is not valid'],
    [{ bundlePath: '' }, 'empty bundle path'],
    [{ stdin: 'in' }, 'containerd: stdin "in" is not absolute'],
    [{ stdout: '/\0' }, 'containerd: stdout holds a NUL byte'],
    [{ stderr: `/${'x'.repeat(5000)}` }, 'containerd: stderr is longer than 4095 bytes'],
    [{ console: 'tty' }, 'containerd: console "tty" is not absolute'],
    [{ checkpoint: '../../etc' }, 'containerd: checkpoint name "../../etc" is not valid'],
  ])('with %j is refused before anything is looked at', async (fields, message) => {
    expect(await refusal(() => make(fields))).toBe(message);
    expect(read).toEqual([]);
  });
});

describe('an exec', () => {
  const make = (fields: Partial<wire.AddProcessRequest>) =>
    execRequest('r1', wire.AddProcessRequest.fromPartial({ id: 'c', args: ['sh'], ...fields }));

  it('may say no more than what to run', () => {
    expect(make({})).toEqual({
      type: 'exec',
      requestId: 'r1',
      id: 'c',
      spec: {
        terminal: false,
        user: { uid: 0, gid: 0, additionalGids: [] },
        args: ['sh'],
        env: [],
        cwd: '/',
      },
      stdio: { stdin: '', stdout: '', stderr: '', console: '' },
    });
  });

  it('has what its client asked for', () => {
    const user = { uid: 1, gid: 2, additionalGids: [3, 4] };
    const spec = { terminal: true, user, args: ['a', ''], env: ['A=', 'B=ü'], cwd: '/tmp' };
    expect(make({ ...spec, stdout: '/o' })).toMatchObject({ spec, stdio: { stdout: '/o' } });
  });

  it('with a console has a terminal', () => {
    expect(make({ console: '/dev/pts/1' }).spec.terminal).toBe(true);
  });

  it.each([
    [{ args: [] }, 'containerd: args are empty'],
    [{ args: [''] }, 'containerd: args are empty'],
    [{ args: ['a', '\0'] }, 'containerd: args holds a NUL byte'],
    [{ env: ['A'] }, 'containerd: env entry "A" is not NAME=value'],
    [{ env: ['=a'] }, 'containerd: env entry "=a" is not NAME=value'],
    [{ env: ['A=\0'] }, 'containerd: env holds a NUL byte'],
    [{ cwd: 'tmp' }, 'containerd: cwd is not absolute'],
    [{ cwd: '/\0' }, 'containerd: cwd holds a NUL byte'],
    [
      { user: { uid: 2 ** 32 - 1, gid: 0, additionalGids: [] } },
      'containerd: uid 4294967295 is out of range',
    ],
    [
      { user: { uid: 0, gid: 2 ** 32 - 1, additionalGids: [] } },
      'containerd: gid 4294967295 is out of range',
    ],
    [
      { user: { uid: 0, gid: 0, additionalGids: [7, 2 ** 32 - 1] } },
      'containerd: additional gid 4294967295 is out of range',
    ],
  ])('with %j is refused', async (fields, message) => {
    expect(await refusal(() => make(fields))).toBe(message);
  });
});

describe('an update', () => {
  it('may ask for nothing', () => {
    expect(updateRequest('r1', wire.UpdateContainerRequest.fromPartial({ id: 'c' }))).toEqual({
      type: 'update',
      requestId: 'r1',
      id: 'c',
      status: '',
      signal: 0,
    });
  });
  it('of a terminal goes as far as the kernel’s', async () => {
    const of = (width: number, height: number) =>
      wire.UpdateProcessRequest.fromPartial({ id: 'c', pid: 7, width, height });
    expect(updateProcessRequest('r1', of(65_535, 1))).toMatchObject({ pid: 7, width: 65_535, height: 1 });
    for (const size of [of(65_536, 1), of(1, 65_536)]) {
      expect(await refusal(() => updateProcessRequest('r1', size))).toMatch(/a terminal cannot be/);
    }
  });
});

describe('a request for a checkpoint', () => {
  it('without the message that names it is refused', async () => {
    const request = wire.CreateCheckpointRequest.fromPartial({ id: 'c' });
    expect(await refusal(() => checkpointRequest('r1', request))).toBe('checkpoint name cannot be empty');
  });
  it('has the flags that were asked for, and no others', () => {
    const request = wire.CreateCheckpointRequest.fromPartial({
      id: 'c',
      checkpoint: { name: 'n', tcp: true },
    });
    expect(checkpointRequest('r1', request).checkpoint).toEqual({
      name: 'n',
      exit: false,
      tcp: true,
      unixSockets: false,
      shell: false,
    });
  });
});

describe('whatever arrives', () => {
  it('becomes a request of plain data, or an error of the catalogue', async () => {
    const messages = [
      [wire.CreateContainerRequest, (m: unknown) => createRequest('r', m as never, async () => bundle)],
      [wire.AddProcessRequest, (m: unknown) => execRequest('r', m as never)],
      [wire.UpdateContainerRequest, (m: unknown) => updateRequest('r', m as never)],
      [wire.SignalRequest, (m: unknown) => signalRequest('r', m as never)],
      [wire.UpdateProcessRequest, (m: unknown) => updateProcessRequest('r', m as never)],
      [wire.CreateCheckpointRequest, (m: unknown) => checkpointRequest('r', m as never)],
      [wire.DeleteCheckpointRequest, (m: unknown) => deleteCheckpointRequest('r', m as never)],
    ] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...messages),
        fc.uint8Array({ maxLength: 64 }),
        async ([type, make], bytes) => {
          let message: unknown;
          try {
            message = type.decode(bytes);
          } catch {
            return;
          }
          try {
            const request = await make(message);
            expect(JSON.parse(JSON.stringify(request))).toEqual(request);
          } catch (error) {
            expect(error).toBeInstanceOf(ContainerdError);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
