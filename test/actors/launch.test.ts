import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLaunch, type LaunchOptions } from '../../src/actors/launch.ts';
import { readExecs, readRecord, readStarted } from '../../src/actors/record.ts';
import { makeStateDir, stateDirAt } from '../../src/actors/state-dir.ts';
import type { Errand } from '../../src/errands/errand.ts';
import { here } from '../../src/errands/errands.ts';
import { ContainerdError } from '../../src/errors.ts';
import { processStat } from '../../src/linux/process-stat.ts';
import type { LaunchInput } from '../../src/machines/process-model.ts';
import type { ShimClient, ShimStart } from '../../src/shim/client.ts';
import { ShimError } from '../../src/shim/error.ts';
import { spec } from '../machines/fixtures/requests.ts';
import { NO_STDIO, ShimAndScripts } from './container-scripts.ts';
import { SmallDisk } from './small-disk.ts';

let under: ShimAndScripts;
beforeAll(async () => {
  under = await ShimAndScripts.start();
});
afterAll(() => under.end());

let id: string;
let count = 0;
beforeEach(() => {
  count += 1;
  id = `box-${count}`;
});

const LEAVES_A_PROCESS = 'leave sleep 1000';

/** Launches with a runc that does what the script says. */
const launch = (script: string, of: Partial<LaunchInput> = {}, options: Partial<LaunchOptions> = {}) =>
  createLaunch({
    runc: under.runc(script),
    stateDir: under.stateDir,
    shim: () => under.shim.client,
    errands: here,
    criu: '',
    told: async () => {},
    leftAlone: { has: async () => false },
    blocked: () => undefined,
    onUnwritten: () => {},
    settleLost: async () => {},
    timeoutMs: 10_000,
    restoreTimeoutMs: 10_000,
    ...options,
  })({
    id,
    process: 'init',
    bundlePath: under.scripts.folder,
    spec,
    inherited: { process: { noNewPrivileges: true, cwd: '/not/this' }, path: 'PATH=/bundle' },
    stdio: NO_STDIO,
    launch: { kind: 'start', hooks: false },
    ...of,
  });
const exec = (script: string, of: Partial<LaunchInput> = {}) =>
  launch(script, { process: 'exec-1', launch: { kind: 'exec' }, ...of });

async function failureOf(promise: Promise<unknown>): Promise<[string, string]> {
  const error = await promise.then(
    () => 'it succeeded',
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(ContainerdError);
  const { failure } = error as ContainerdError;
  return [failure.error, failure.message];
}

const folder = () => under.stateDir.container(id);
const inFolder = (name: string) => path.join(folder(), name);
const says = (msg: string) => `echo '${JSON.stringify({ level: 'error', msg })}' >> "$log"`;

describe('the launch of a container', () => {
  it('gives who its init is, which the shim has for a child', async () => {
    const { pid, startTime } = await launch(LEAVES_A_PROCESS);
    const stat = processStat(pid);
    expect(stat).toMatchObject({ parentPid: under.shim.client.pid });
    expect(String(stat?.startTime)).toBe(startTime);
  });

  it('has written down what was asked for before runc is run, for the daemon alone', async () => {
    const script = `cp ${folder()}/container.json $folder/seen; ${LEAVES_A_PROCESS}`;
    await launch(script, { spec: { ...spec, args: ['a'] }, stdio: { ...NO_STDIO, stdout: '/dev/null' } });
    const record = await readRecord(folder());
    expect(record).toMatchObject({
      type: 'create',
      id,
      requestId: '',
      stdio: { stdout: '/dev/null' },
      checkpoint: '',
    });
    expect(record?.spec.args).toEqual(['a']);
    expect(under.scripts.read('seen')).toBe(readFileSync(inFolder('container.json'), 'utf8'));
    expect(statSync(folder()).mode & 0o777).toBe(0o700);
    expect(statSync(inFolder('container.json')).mode & 0o777).toBe(0o600);
  });

  describe('by a runc, which the shim lets go on', () => {
    /** What the shim was asked to run, and the FIFO that it is to read from. */
    async function asked(of: Partial<LaunchInput> = {}, version = under.shim.client.version) {
      const requests: ShimStart[] = [];
      const start = async (request: ShimStart) => {
        requests.push(request);
        return { pid: 1, startTime: 1n, unwritten: '' };
      };
      const runc = { command: '/usr/sbin/runc', root: under.stateDir.runc };
      await launch('', of, { runc, shim: () => ({ ...under.shim.client, version, start }) });
      const verbs = (argv: string[]) => argv.filter((word) => ['run', 'create', 'start'].includes(word));
      return requests.flatMap(({ argv, startArgv, startFifo }) => [verbs(argv), verbs(startArgv), startFifo]);
    }
    const fifo = () => path.join(under.stateDir.runc, id, 'exec.fifo');
    const terminal = { spec: { ...spec, terminal: true } };

    it('is made to wait at its FIFO, with a terminal and without', async () => {
      expect(await asked()).toEqual([['create'], ['start'], fifo()]);
      expect(await asked(terminal)).toEqual([['create'], ['start'], fifo()]);
    });

    it('is not where a hook may leave something behind', async () => {
      const launch = { kind: 'start', hooks: true } as const;
      expect(await asked({ launch })).toEqual([['run'], [], '']);
      expect(await asked({ launch, ...terminal })).toEqual([['create'], ['start'], '']);
    });

    it('is not where its bundle says how it is to be scheduled', async () => {
      const inherited = { process: { scheduler: { policy: 'SCHED_BATCH' } }, path: '' };
      expect(await asked({ inherited })).toEqual([['run'], [], '']);
    });

    it('is not where the shim is of a version that knows of none', async () => {
      expect(await asked({}, 2)).toEqual([['run'], [], '']);
    });
  });

  it('is written down here where its shim is of a version that does not', async () => {
    const old = { ...under.shim.client, version: 1 };
    const script = `cp ${folder()}/container.json $folder/seen; ${LEAVES_A_PROCESS}`;
    await launch(script, {}, { shim: () => old });
    expect(await readRecord(folder())).toMatchObject({ id });
    expect(under.scripts.read('seen')).toBe(readFileSync(inFolder('container.json'), 'utf8'));
  });

  it('waits for the exit of the former container of its id to be forgotten, and no exec does', async () => {
    const key = { container: id, process: 'init' };
    const asked: string[] = [];
    await launch(LEAVES_A_PROCESS);
    await under.shim.client.kill(key, constants.signals.SIGKILL);
    await under.shim.exit(key);
    rmSync(folder(), { recursive: true });
    const told = async (of: string) => {
      asked.push(of);
      await under.shim.client.ack(key);
    };
    await launch(LEAVES_A_PROCESS, {}, { told });
    await launch(LEAVES_A_PROCESS, { process: 'exec-1', launch: { kind: 'exec' } }, { told });
    expect(asked).toEqual([id]);
  });

  it('is runc’s, with the container’s folder for its files', async () => {
    await launch(LEAVES_A_PROCESS);
    const options = ['--log', inFolder('init.log'), '--log-format', 'json', 'run', '--detach'];
    const rest = ['--pid-file', inFolder('init.pid'), '--bundle', under.scripts.folder, '--', id];
    expect(under.argv()).toEqual(['--root', under.stateDir.runc, ...options, ...rest]);
  });

  it('that fails says why in runc’s own words', async () => {
    expect(await failureOf(launch(`${says('no such thing')}; exit 1`))).toEqual([
      'runtimeFailed',
      'containerd: no such thing',
    ]);
    // Nobody hears what it says where its stderr, which will be the container's, is /dev/null.
    id = `${id}-b`;
    const stderr = path.join(under.scripts.folder, 'stderr');
    writeFileSync(stderr, '');
    expect(
      await failureOf(launch('echo "panic: oh" >&2; exit 2', { stdio: { ...NO_STDIO, stderr } })),
    ).toEqual(['runtimeFailed', 'containerd: panic: oh']);
    expect(readFileSync(stderr, 'utf8')).toBe('');
    id = `${id}-c`;
    expect((await failureOf(launch('exit 3')))[1]).toMatch(/runc-\d+ ended with status 3$/);
  });

  it('without a runc says so', async () => {
    const runc = { command: '/nowhere/runc', root: under.stateDir.runc };
    expect(await failureOf(launch('', {}, { runc }))).toEqual([
      'runtimeFailed',
      'containerd: start: posix_spawn /nowhere/runc: no such file or directory',
    ]);
  });

  it('that leaves no process behind, or none of ours, has failed', async () => {
    expect((await failureOf(launch('exit 0')))[0]).toBe('runtimeFailed');
    id = `${id}-b`;
    expect((await failureOf(launch('echo 1 > "$pid_file"')))[1]).toMatch(/no child of the shim/);
    id = `${id}-c`;
    expect((await failureOf(launch('echo nonsense > "$pid_file"')))[0]).toBe('runtimeFailed');
  });

  it('that takes too long is ended', async () => {
    const [error, message] = await failureOf(launch('exec sleep 1000', {}, { timeoutMs: 300 }));
    expect([error, message]).toEqual([
      'runtimeTimeout',
      expect.stringMatching(/took too long: start: .* 300 ms$/),
    ]);
  });

  it('whose stdio is missing, or cannot be, starts nothing', async () => {
    const ran = path.join(under.scripts.folder, 'ran');
    const stdout = path.join(under.scripts.folder, 'missing');
    expect(await failureOf(launch('touch $folder/ran', { stdio: { ...NO_STDIO, stdout } }))).toEqual([
      'stdioNotFound',
      `open ${stdout}: no such file or directory`,
    ]);
    id = `${id}-b`;
    const [error] = await failureOf(launch('touch $folder/ran', { stdio: { ...NO_STDIO, stdin: '/' } }));
    expect(error).toBe('stdioInvalid');
    expect(existsSync(ran)).toBe(false);
  });

  it('whose folder is there already starts nothing', async () => {
    mkdirSync(folder());
    writeFileSync(path.join(folder(), 'container.json'), '{"version":2}');
    await expect(launch('touch $folder/ran')).rejects.toThrow('containerd: container already exists');
    expect(readdirSync(folder())).toEqual(['container.json']);
  });

  it('whose folder is there, and runc’s of it too, starts nothing', async () => {
    mkdirSync(folder());
    mkdirSync(path.join(under.stateDir.runc, id));
    await expect(launch('touch $folder/ran')).rejects.toThrow('containerd: container already exists');
  });

  it('whose folder could not be removed, of a container that is gone, starts', async () => {
    mkdirSync(folder());
    writeFileSync(path.join(folder(), 'init.log'), 'old');
    const { pid } = await launch(LEAVES_A_PROCESS);
    expect(processStat(pid)).toBeDefined();
    expect(readdirSync(folder())).not.toContain('init.log');
  });
});

describe('the launch of a restored container', () => {
  const restore = (script: string, checkpoint = 'cp') =>
    launch(script, { launch: { kind: 'restore', checkpoint } });
  const images = () => path.join(under.scripts.folder, 'checkpoints/cp');
  beforeAll(() => {
    mkdirSync(images(), { recursive: true });
    const flags = { name: 'cp', exit: true, tcp: true, unixSockets: false, shell: true };
    writeFileSync(path.join(images(), 'config.json'), JSON.stringify(flags));
  });

  it('has the flags that its checkpoint was made with', async () => {
    await restore(LEAVES_A_PROCESS);
    expect(under.argv()).toEqual(
      expect.arrayContaining(['restore', '--tcp-established', '--shell-job', images()]),
    );
    expect(under.argv()).not.toContain('--ext-unix-sk');
    expect((await readRecord(folder()))?.checkpoint).toBe('cp');
  });

  it('of a checkpoint that is not there starts nothing', async () => {
    expect(await failureOf(restore('touch $folder/ran', 'other'))).toEqual([
      'checkpointNotFound',
      'containerd: checkpoint does not exist for container',
    ]);
    expect(existsSync(path.join(under.scripts.folder, 'ran'))).toBe(false);
  });

  it('that fails says what CRIU stumbled over', async () => {
    const log = `echo "(00.1) Error (criu/files.c:7): no such file" > "$work/restore.log"`;
    const script = `work=$(dirname "$log")/criu; ${log}; ${says('criu failed')}; exit 1`;
    expect((await failureOf(restore(script)))[1]).toBe(
      'containerd: criu failed\n(00.1) Error (criu/files.c:7): no such file',
    );
  });
});

describe('the launch of an exec', () => {
  beforeEach(() => mkdirSync(folder()));

  it('gives runc what was asked for, and of the container’s own process what nobody asked for', async () => {
    const asked = { ...spec, args: ['a', 'b'], env: ['X=y'], cwd: '/tmp', terminal: false };
    await exec(`cp "$process" $folder/process; ${LEAVES_A_PROCESS}`, { spec: asked });
    expect(JSON.parse(under.scripts.read('process'))).toMatchObject({
      ...asked,
      env: ['X=y', 'PATH=/bundle'],
      noNewPrivileges: true,
    });
    expect(under.argv().slice(-2)).toEqual(['--', id]);
  });

  it('leaves a PATH alone that was asked for', async () => {
    await exec(`cp "$process" $folder/process; ${LEAVES_A_PROCESS}`, {
      spec: { ...spec, env: ['PATH=/mine'] },
    });
    expect(JSON.parse(under.scripts.read('process')).env).toEqual(['PATH=/mine']);
  });

  it('can be found again by the next daemon', async () => {
    await exec(LEAVES_A_PROCESS);
    expect((await readExecs(folder())).map(({ process }) => process)).toEqual(['exec-1']);
  });

  it('that fails leaves nothing', async () => {
    // An init that lives, or the failure would be put down to its end.
    const { startTime } = processStat(process.pid) ?? {};
    const state = { init_process_pid: process.pid, init_process_start: Number(startTime) };
    mkdirSync(path.join(under.stateDir.runc, id));
    writeFileSync(path.join(under.stateDir.runc, id, 'state.json'), JSON.stringify(state));
    expect(await failureOf(exec(`echo 7 > "$pid_file"; ${says('no')}; exit 1`))).toEqual([
      'runtimeFailed',
      'containerd: no',
    ]);
    expect(readdirSync(folder())).toEqual([]);
  });

  it('whose shim is lost before it says that it runs leaves nothing', async () => {
    const start = async ({ startedFile, pidFile }: ShimStart) => {
      writeFileSync(pidFile, '1');
      writeFileSync(startedFile, '{}');
      throw new ShimError('lost', 'the shim has died');
    };
    const lost = launch(
      '',
      { process: 'exec-1', launch: { kind: 'exec' } },
      { shim: () => ({ ...under.shim.client, start }) },
    );
    expect((await failureOf(lost))[0]).toBe('shimLost');
    expect(readdirSync(folder())).toEqual([]);
  });

  it('whose shim is lost leaves nothing, though nobody can look what that was at', async () => {
    const start = async ({ pidFile }: ShimStart) => {
      writeFileSync(pidFile, '1');
      throw new ShimError('lost', 'the shim has died');
    };
    const settleLost = () => Promise.reject(new Error('no descriptors'));
    const lost = launch(
      '',
      { process: 'exec-1', launch: { kind: 'exec' } },
      { shim: () => ({ ...under.shim.client, start }), settleLost },
    );
    await expect(lost).rejects.toThrow('no descriptors');
    expect(readdirSync(folder())).toEqual([]);
  });

  it('in a container that has ended says so', async () => {
    expect(await failureOf(exec(`${says('cannot exec in a stopped container')}; exit 1`))).toEqual([
      'containerExited',
      'containerd: container has exited',
    ]);
  });
});

describe('a launch that a former daemon asked for', () => {
  it('gives who runs by now, without running anything again', async () => {
    const { pid, startTime } = await launch(LEAVES_A_PROCESS);
    const again = launch('touch $folder/again', { launch: { kind: 'adopt' } });
    expect(await again).toEqual({ pid, startTime });
    expect(existsSync(path.join(under.scripts.folder, 'again'))).toBe(false);
  });

  it('that has failed meanwhile has failed', async () => {
    expect((await failureOf(launch('', { launch: { kind: 'adopt' } })))[0]).toBe('runtimeFailed');
  });
});

describe('a host in trouble', () => {
  it('is said to be where the journal takes no more', async () => {
    const blocked = () => 'ENOSPC: no space left on device, write';
    expect(await failureOf(launch('touch $folder/ran', {}, { blocked }))).toEqual([
      'stateDir',
      'containerd: state dir: ENOSPC: no space left on device, write',
    ]);
    expect(existsSync(path.join(under.scripts.folder, 'ran'))).toBe(false);
  });

  it.each([
    ['EMFILE', 'hostLimit'],
    ['EAGAIN', 'hostLimit'],
    ['ENOENT', 'runtimeFailed'],
  ] as const)('is said to be where the shim meets %s', async (name, error) => {
    const { [name]: errno } = constants.errno;
    const shim = { start: () => Promise.reject(new ShimError('kernel', 'no', { errno })) };
    expect((await failureOf(launch('', {}, { shim: () => shim as unknown as ShimClient })))[0]).toBe(error);
  });

  it('is said to be where the state dir is full', async () => {
    const disk = new SmallDisk(64 * 1024);
    try {
      const stateDir = stateDirAt(disk.path);
      await makeStateDir(stateDir);
      disk.fill();
      expect((await failureOf(launch('', {}, { stateDir })))[1]).toMatch(/^containerd: state dir: ENOSPC/);
    } finally {
      disk.remove();
    }
  });

  it('does not fail an exec that runs by what cannot be written down of it', async () => {
    const before = await failureOf(launch('exit 1'));
    expect(before[0]).toBe('runtimeFailed');
    mkdirSync(path.join(folder(), 'exec-1.started'));
    const noted: string[] = [];
    const { pid } = await launch(
      LEAVES_A_PROCESS,
      { process: 'exec-1', launch: { kind: 'exec' } },
      { onUnwritten: (_, about) => noted.push(about.process) },
    );
    expect(processStat(pid)).toMatchObject({ parentPid: under.shim.client.pid });
    expect(noted).toEqual(['exec-1']);
  });

  it('has an exec written down by the shim, or here where its shim is of a version that does not', async () => {
    await launch(LEAVES_A_PROCESS);
    const written: string[] = [];
    const errands = Object.assign(
      async (errand: Errand) => {
        if (errand.what === 'write') written.push(path.basename(errand.file));
        return here(errand);
      },
      { close: here.close },
    );
    const exec = { process: 'exec-1', launch: { kind: 'exec' } } as const;
    const { pid, startTime } = await launch(LEAVES_A_PROCESS, exec, { errands });
    expect(written).toEqual([]);
    expect(await readStarted(folder(), 'exec-1')).toEqual({ pid, startTime: BigInt(startTime) });
    expect(statSync(inFolder('exec-1.started')).mode & 0o777).toBe(0o600);

    const old = { ...under.shim.client, version: 2 };
    const other = await launch(
      LEAVES_A_PROCESS,
      { ...exec, process: 'exec-2' },
      { errands, shim: () => old },
    );
    expect(written).toEqual(['exec-2.started']);
    expect(await readStarted(folder(), 'exec-2')).toMatchObject({ pid: other.pid });
  });
});

describe('a container whose name one has that was left alone', () => {
  it('is refused before all else, so that nothing is undone', async () => {
    const options: Partial<LaunchOptions> = {
      leftAlone: { has: async (name) => name === id },
      blocked: () => 'the disk is full',
    };
    expect(await failureOf(launch(LEAVES_A_PROCESS, {}, options))).toEqual([
      'containerExists',
      'containerd: container already exists',
    ]);
  });

  it('is refused where the shim has it', async () => {
    await launch(LEAVES_A_PROCESS);
    // Its folder is elsewhere, as if nothing were known of it.
    rmSync(folder(), { recursive: true });
    expect((await failureOf(launch(LEAVES_A_PROCESS)))[0]).toBe('containerExists');
    await under.shim.client.kill({ container: id, process: 'init' }, 9);
    await under.shim.exit({ container: id, process: 'init' });
  });
});
