import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bundles, makeBundles } from './fixtures/bundle.ts';
import { failureOf, TestDaemon } from './fixtures/daemon.ts';

const KILL = 9;
const [SOMEBODY, MEMBERS, OTHERS] = [12_345, 54_321, 54_322];

let bundles: Bundles;
let daemon: TestDaemon;
beforeAll(async () => {
  bundles = await makeBundles();
  daemon = await TestDaemon.start({ flags: ['--group', String(MEMBERS)] });
  // mkdtemp's folder is closed to all others, who would not come as far as the socket.
  await chmod(daemon.folder, 0o711);
});
afterAll(async () => {
  await daemon?.remove();
  await bundles?.remove();
});

const unique = (name: string) => `${name}-${process.pid}`;

/** What connecting comes to for somebody of a group. */
async function connectAs(gid: number): Promise<string> {
  const code = `require('net').connect(process.argv[1]).on('connect', () => (console.log('connected'), process.exit()))
    .on('error', (error) => console.log(error.code))`;
  const child = spawn(process.execPath, ['-e', code, daemon.socketPath], {
    uid: SOMEBODY,
    gid,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  await once(child, 'close');
  return said.trim();
}

describe('the socket', () => {
  it('is for root and the members of --group alone', async () => {
    const { mode, uid, gid } = await lstat(daemon.socketPath);
    expect([mode & 0o777, uid, gid]).toEqual([0o660, 0, MEMBERS]);
    expect(await connectAs(MEMBERS)).toBe('connected');
    expect(await connectAs(OTHERS)).toBe('EACCES');
  });

  it('is beside a state dir that others can pass through and not look into', async () => {
    expect((await stat(daemon.stateDir)).mode & 0o777).toBe(0o711);
  });
});

describe('a path that others can redirect', () => {
  /** A folder in which all can write, with a link in it to one of root's. */
  async function redirected(name: string): Promise<{ link: string; secret: string }> {
    const [open, closed] = [`open-${name}`, `closed-${name}`].map((it) => path.join(daemon.folder, it));
    for (const folder of [open, closed]) await mkdir(folder as string);
    const secret = path.join(closed as string, 'file');
    await writeFile(secret, 'secret');
    await chmod(open as string, 0o777);
    await symlink(closed as string, path.join(open as string, 'link'));
    return { link: path.join(open as string, 'link'), secret };
  }

  it.each(['stdin', 'stdout', 'stderr', 'console'])(
    'is refused for %s, and nothing is touched',
    async (stream) => {
      const { link, secret } = await redirected(stream);
      const bundle = await bundles.make('redirected', {
        args: ['echo', 'overwritten'],
        terminal: stream === 'console',
      });
      const failure = await failureOf(
        daemon.create(unique('redirected'), bundle, { [stream]: path.join(link, 'file') }),
      );
      expect(failure).toEqual({
        code: 'INVALID_ARGUMENT',
        message: `open ${link}/file: ${link} is a symbolic link that others than root can have put there`,
      });
      expect(await readFile(secret, 'utf8')).toBe('secret');
      expect(await daemon.runcContainers()).toEqual([]);
    },
  );

  it('is refused for a bundle, and for its checkpoints', async () => {
    const { link, secret } = await redirected('bundle');
    await writeFile(path.join(path.dirname(secret), 'config.json'), '{}');
    const failure = await failureOf(daemon.create(unique('bundle'), link));
    expect(failure.message).toMatch(/^containerd: bundle is not valid: open .*symbolic link/);

    const id = unique('checkpoints');
    const bundle = await bundles.make('checkpoints');
    await mkdir(path.join(path.dirname(secret), 'a'));
    await symlink(link, path.join(bundle, 'checkpoints'));
    const events = await daemon.events({ id });
    const { pid } = await daemon.create(id, bundle);
    const checkpoint = { name: 'a', exit: false, tcp: false, unixSockets: false, shell: false };
    for (const ask of [
      () => daemon.call('listCheckpoint', { id }),
      () => daemon.call('createCheckpoint', { id, checkpoint }),
      () => daemon.call('deleteCheckpoint', { id, name: 'a' }),
      () => daemon.create(unique('restored'), bundle, { checkpoint: 'a' }),
    ]) {
      expect((await failureOf(ask())).message).toMatch(/symbolic link/);
    }
    await daemon.signal(id, KILL);
    await events.exit(id, pid);
    events.close();
  });

  it('is no device with a file system on it, and no socket', async () => {
    const bundle = await bundles.make('kinds');
    for (const stdout of [daemon.socketPath, '/dev/loop0'])
      expect(['INVALID_ARGUMENT', 'NOT_FOUND']).toContain(
        (await failureOf(daemon.create(unique('kinds'), bundle, { stdout }))).code,
      );
  });
});
