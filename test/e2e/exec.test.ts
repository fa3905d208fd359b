import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BundleOptions, type Bundles, makeBundles } from './fixtures/bundle.ts';
import { type EventStream, failureOf, processState, TestDaemon } from './fixtures/daemon.ts';
import { census, shimPidOf } from './fixtures/host.ts';
import { type Ran, Runner } from './fixtures/run.ts';

const KILL = 9;

let bundles: Bundles;
let daemon: TestDaemon;
let events: EventStream;
let runner: Runner;

beforeAll(async () => {
  bundles = await makeBundles();
  daemon = await TestDaemon.start();
  events = await daemon.events({ types: ['exec', 'exit'] });
  runner = await Runner.on(daemon, events);
});
afterAll(async () => {
  await daemon?.remove();
  await runner?.remove();
  await bundles?.remove();
});

const unique = (name: string) => `${name}-${process.pid}`;
/** What was told of a container, in order. */
const toldOf = (id: string) =>
  events.seen.filter((it) => it.id === id).map(({ type, pid }) => `${type} ${pid}`);
/** What the daemon has written down of a container's execs. */
const execFiles = async (id: string) =>
  (await readdir(path.join(daemon.stateDir, 'containers', id))).filter((name) => name.startsWith('exec-'));

/** A container that runs until it is killed; gives its init's pid. */
async function box(id: string, options: BundleOptions = {}): Promise<number> {
  return (await daemon.create(id, await bundles.make(id, options))).pid;
}
async function end(id: string, init: number): Promise<void> {
  await daemon.signal(id, KILL);
  await events.exit(id, init);
}

describe('a process beside init', () => {
  const id = unique('box');
  const env = ['PATH=/bin', 'TERM=xterm'];
  // Soft as hard: in `runc exec` (1.1.5) Go's runtime may raise the one to the other after runc has set both.
  const rlimits = [{ type: 'RLIMIT_NOFILE', hard: 300, soft: 300 }];
  let init: number;
  beforeAll(async () => {
    init = await box(id, { env, rlimits });
  });
  afterAll(() => end(id, init));

  it('gets its arguments as they were given', async () => {
    const args = ['sh', '-c', 'for it in "$@"; do echo "<$it>"; done', 'sh', '', ' ', '-x', 'ü\n', '$HOME'];
    expect((await runner.exec(id, args)).output).toBe('<>\n< >\n<-x>\n<ü\n>\n<$HOME>\n');
  });

  it('gets its environment as it was given, with the bundle’s PATH where it has none', async () => {
    const withoutPath = await runner.exec(id, ['env'], { env: ['A=1', 'B=x=y', 'C='] });
    expect(withoutPath.output.split('\n')).toEqual(['A=1', 'B=x=y', 'C=', 'PATH=/bin', 'HOME=/', '']);
    const withPath = await runner.exec(id, ['/bin/env'], { env: ['PATH=/elsewhere'] });
    expect(withPath.output.split('\n')).toEqual(['PATH=/elsewhere', 'HOME=/', '']);
  });

  it('is in the folder asked for, and in / where none is', async () => {
    expect((await runner.exec(id, ['pwd'])).output).toBe('/\n');
    expect((await runner.exec(id, ['pwd'], { cwd: '/tmp' })).output).toBe('/tmp\n');
  });

  it('runs as the user and groups asked for, and as root where none is', async () => {
    const user = { uid: 12, gid: 34, additionalGids: [56, 78] };
    expect((await runner.exec(id, ['id'], { user })).output).toBe('uid=12 gid=34 groups=56,78\n');
    expect((await runner.exec(id, ['id'])).output).toBe('uid=0 gid=0\n');
  });

  it('has the capabilities, limits, privileges and cgroups of the container’s own process', async () => {
    const { pid } = await daemon.exec(id, ['sleep', '1000']);
    const status = async (of: number) =>
      (await readFile(`/proc/${of}/status`, 'utf8'))
        .split('\n')
        .filter((line) => /^(Cap|NoNewPrivs|Umask|Sig(Blk|Ign|Cgt))/.test(line));
    expect(await status(pid)).toEqual(await status(init));
    expect(await status(pid)).toContain('NoNewPrivs:\t1');
    expect(await status(pid)).toContain('CapEff:\t00000000200004e0');
    for (const file of ['limits', 'cgroup', 'oom_score_adj']) {
      expect(await readFile(`/proc/${pid}/${file}`, 'utf8')).toBe(
        await readFile(`/proc/${init}/${file}`, 'utf8'),
      );
    }
    expect(await readFile(`/proc/${pid}/limits`, 'utf8')).toMatch(/Max open files +300 +300/);
    await daemon.signal(id, KILL, pid);
    await events.exit(id, pid);
  });

  it('is listed in start order with what was asked for, until it ends', async () => {
    const user = { uid: 1, gid: 2, additionalGids: [3] };
    const first = await daemon.exec(id, ['sleep', '1001'], { user, env: ['X=1'], cwd: '/tmp' });
    const second = await daemon.exec(id, ['sleep', '1002']);
    const root = { uid: 0, gid: 0, additionalGids: [] };
    const initEntry = { pid: init, terminal: false, user: root, args: ['sleep', '1000'], env, cwd: '/' };
    const secondEntry = { ...initEntry, pid: second.pid, args: ['sleep', '1002'], env: [] };
    expect((await daemon.container(id))?.processes).toEqual([
      initEntry,
      { pid: first.pid, terminal: false, user, args: ['sleep', '1001'], env: ['X=1'], cwd: '/tmp' },
      secondEntry,
    ]);
    await daemon.signal(id, KILL, first.pid);
    await events.exit(id, first.pid);
    expect((await daemon.container(id))?.processes).toEqual([initEntry, secondEntry]);
    await daemon.signal(id, KILL, second.pid);
    await events.exit(id, second.pid);
  });

  it('is killed by its pid while the others go on, and is not found afterwards', async () => {
    const [one, other] = await Promise.all([1, 2].map(() => daemon.exec(id, ['sleep', '1000'])));
    if (one === undefined || other === undefined) throw new Error('two were started');
    await daemon.signal(id, KILL, one.pid);
    expect(await events.exit(id, one.pid)).toMatchObject({ status: 128 + KILL });
    expect(await failureOf(daemon.signal(id, KILL, one.pid))).toEqual({
      code: 'NOT_FOUND',
      message: 'containerd: processs not found for container',
    });
    await daemon.signal(id, 0, other.pid);
    await daemon.signal(id, 0, init);
    await daemon.signal(id, KILL, other.pid);
    await events.exit(id, other.pid);
    expect(await processState(other.pid)).toBeUndefined();
  });

  it('is told of once with its own pid and status, even where it ends during its own start', async () => {
    const ended = await Promise.all(Array.from({ length: 50 }, (_, n) => runner.sh(id, `exit ${n}`)));
    expect(ended.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, (_, n) => n));
    for (const { pid } of ended) {
      const told = toldOf(id).filter((it) => it.endsWith(` ${pid}`));
      expect(told).toEqual([`exec ${pid}`, `exit ${pid}`]);
    }
  });

  it('can have an argument as long as the kernel takes', async () => {
    const longest = 'x'.repeat(128 * 1024 - 1);
    expect((await runner.exec(id, ['echo', longest])).output).toBe(`${longest}\n`);
  });

  describe('is refused', () => {
    const refusals: [string, string[], Parameters<TestDaemon['exec']>[2], string, string | RegExp][] = [
      ['without arguments', [], {}, 'INVALID_ARGUMENT', 'containerd: args are empty'],
      ['where its program has no name', [''], {}, 'INVALID_ARGUMENT', 'containerd: args are empty'],
      [
        'where its program does not exist',
        ['nope'],
        {},
        'INTERNAL',
        'containerd: exec failed: unable to start container process: exec: "nope": executable file not found in $PATH',
      ],
      [
        'where its program is no program',
        ['/tmp'],
        {},
        'INTERNAL',
        'containerd: exec failed: unable to start container process: exec: "/tmp": permission denied',
      ],
      [
        'where its folder does not exist',
        ['pwd'],
        { cwd: '/no/such' },
        'INTERNAL',
        /^containerd: exec failed: .* chdir to cwd \("\/no\/such"\) .* no such file or directory$/,
      ],
      [
        'where its folder is relative',
        ['pwd'],
        { cwd: 'tmp' },
        'INVALID_ARGUMENT',
        'containerd: cwd is not absolute',
      ],
      [
        'with an argument longer than the kernel takes',
        ['echo', 'x'.repeat(128 * 1024)],
        {},
        'INVALID_ARGUMENT',
        'containerd: an argument or variable has 131072 bytes, more than 131071',
      ],
      [
        'with a variable longer than the kernel takes',
        ['true'],
        { env: [`X=${'x'.repeat(128 * 1024)}`] },
        'INVALID_ARGUMENT',
        'containerd: an argument or variable has 131074 bytes, more than 131071',
      ],
      [
        'with more arguments than the kernel takes',
        ['true', ...Array<string>(30).fill('x'.repeat(100_000))],
        {},
        'INVALID_ARGUMENT',
        /^containerd: arguments and environment take 300\d{4} bytes, more than \d+$/,
      ],
      [
        'with a variable that has no value',
        ['true'],
        { env: ['PATH'] },
        'INVALID_ARGUMENT',
        'containerd: env entry "PATH" is not NAME=value',
      ],
      [
        'with a user that cannot be',
        ['true'],
        { user: { uid: 2 ** 32 - 1, gid: 0, additionalGids: [] } },
        'INVALID_ARGUMENT',
        'containerd: uid 4294967295 is out of range',
      ],
    ];
    for (const [what, args, options, code, message] of refusals) {
      it(what, async () => {
        const told = toldOf(id);
        const failure = await failureOf(daemon.exec(id, args, options));
        expect(failure.code).toBe(code);
        if (typeof message === 'string') expect(failure.message).toBe(message);
        else expect(failure.message).toMatch(message);
        expect((await daemon.container(id))?.processes).toHaveLength(1);
        await expect.poll(() => execFiles(id)).toEqual([]);
        expect(toldOf(id)).toEqual(told);
      });
    }
  });
});

describe('many processes beside one init', () => {
  it('each have their own output and status, and leave nothing', async () => {
    const [COUNT, AT_ONCE] = [200, 20];
    const id = unique('crowd');
    const init = await box(id);
    const daemonPid = daemon.child.pid ?? 0;
    const shimPid = await shimPidOf(daemonPid);
    await runner.exec(id, ['true']);
    const count = () => census(id, shimPid, daemonPid, daemon.stateDir);
    const left = async () => ({
      ...(await count()),
      files: await execFiles(id),
    });
    await expect.poll(left).toMatchObject({ zombies: 0, files: [] });
    // What came before may have left something that is closed in a moment.
    let before = await left();
    await expect
      .poll(async () => {
        const now = await left();
        const isSame = isDeepStrictEqual(now, before);
        before = now;
        return isSame;
      })
      .toBe(true);

    const ran: Ran[] = [];
    let next = 0;
    const client = async () => {
      for (let n = next++; n < COUNT; n = next++) {
        ran[n] = await runner.sh(id, `echo "number ${n}"; exit ${n}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, client));

    expect(ran.map(({ status, output }) => ({ status, output }))).toEqual(
      Array.from({ length: COUNT }, (_, n) => ({ status: n, output: `number ${n}\n` })),
    );
    expect(new Set(ran.map(({ pid }) => pid)).size).toBe(COUNT);
    await expect.poll(left).toEqual(before);
    await end(id, init);
  });
});

describe('a container that ends', () => {
  it('is told of after the processes that died with it', async () => {
    const id = unique('with');
    const init = await box(id);
    const pids = (await Promise.all([1, 2, 3].map(() => daemon.exec(id, ['sleep', '1000'])))).map(
      (it) => it.pid,
    );
    await end(id, init);
    const exits = toldOf(id).filter((it) => it.startsWith('exit'));
    expect(exits.toSorted()).toEqual([...pids, init].map((pid) => `exit ${pid}`).toSorted());
    expect(exits.at(-1)).toBe(`exit ${init}`);
  });

  it('takes with it those that would outlive it', async () => {
    const id = unique('outlive');
    // Without a pid namespace of its own nothing dies because init does.
    const init = await box(id, { namespaces: ['uts'] });
    const { pid } = await daemon.exec(id, ['sleep', '1000']);
    await end(id, init);
    expect(toldOf(id)).toEqual([`exec ${pid}`, `exit ${pid}`, `exit ${init}`]);
    expect(await processState(pid)).toBeUndefined();
  });

  it('starts no other process from then on, and says why', async () => {
    for (const namespaces of [['pid', 'uts'], ['uts']]) {
      const id = unique(`late-${namespaces.length}`);
      const init = await box(id, { namespaces });
      // One that runs, so that those who ask next find the container used to it.
      await daemon.exec(id, ['sleep', '1000']);
      const asked = Array.from({ length: 8 }, () => daemon.exec(id, ['sleep', '1000']));
      const ended = end(id, init);
      const asking = Array.from({ length: 8 }, () => daemon.exec(id, ['sleep', '1000']));
      const answers = await Promise.allSettled([...asked, ...asking]);
      await ended;
      for (const answer of answers) {
        if (answer.status === 'fulfilled') continue;
        expect(await failureOf(Promise.reject(answer.reason))).toEqual({
          code: 'FAILED_PRECONDITION',
          message: 'containerd: container has exited',
        });
      }
      expect(toldOf(id).at(-1)).toBe(`exit ${init}`);
      expect(await failureOf(daemon.exec(id, ['true']))).toEqual({
        code: 'NOT_FOUND',
        message: 'containerd: container not found',
      });
    }
  });
});

describe('a container that is paused', () => {
  it('starts no other process, and does once it is resumed', async () => {
    const id = unique('paused');
    const init = await box(id);
    await daemon.update(id, { status: 'paused' });
    expect(await failureOf(daemon.exec(id, ['true']))).toEqual({
      code: 'FAILED_PRECONDITION',
      message: 'containerd: container is paused',
    });
    await daemon.update(id, { status: 'running' });
    expect(await runner.sh(id, 'echo back')).toMatchObject({ status: 0, output: 'back\n' });
    await end(id, init);
  });
});
