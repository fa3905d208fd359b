import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKernelFiles } from '../../src/cgroup/kernel-files.ts';
import { createNetworks, type Init, type Networks } from '../../src/cgroup/networks.ts';
import { Stats } from '../../src/generated/messages/api.ts';
import { processStat } from '../../src/linux/process-stat.ts';

const programs: ChildProcess[] = [];
let reads: string[];
let networks: Networks;
let close: () => void;

beforeEach(() => {
  reads = [];
  const files = createKernelFiles(100);
  const opened: { close(): void }[] = [];
  networks = createNetworks({
    open(path, isRight) {
      const file = files.open(path, isRight);
      opened.push(file);
      const read = () => {
        reads.push(path);
        return file.read();
      };
      return { ...file, read };
    },
  });
  close = () => {
    for (const file of opened) file.close();
  };
});
afterEach(async () => {
  close();
  for (const program of programs.splice(0)) await end(program);
});

/** A program that has begun, run by another where one is given. */
async function begin(...before: string[]): Promise<ChildProcess> {
  const [command = '', ...args] = [...before, 'sh', '-c', 'echo; exec sleep 600'];
  const program = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  programs.push(program);
  await once(program.stdout, 'data');
  return program;
}

async function end(program: ChildProcess): Promise<void> {
  if (program.exitCode !== null || program.signalCode !== null) return;
  const ended = once(program, 'exit');
  program.kill('SIGKILL');
  await ended;
}

const initOf = ({ pid = 0 }: ChildProcess): Init => ({
  pid,
  startTime: String(processStat(pid)?.startTime),
});
const namesOf = (stats: Uint8Array): string[] => Stats.decode(stats).network_stats.map(({ name }) => name);

describe('containers that share a network namespace', () => {
  it('have what was read once for all of them', async () => {
    const [one, other] = [networks.of(initOf(await begin())), networks.of(initOf(await begin()))];
    for (const network of [one, other]) network.stats();
    networks.next();
    reads = [];
    expect(namesOf(one.stats())).toContain('lo');
    expect(other.stats()).toEqual(one.stats());
    expect(reads).toHaveLength(1);
  });

  it('have what is read anew the next time', async () => {
    const network = networks.of(initOf(await begin()));
    network.stats();
    networks.next();
    expect(namesOf(network.stats())).toContain('lo');
    expect(reads).toHaveLength(2);
  });

  it('go on once the one of them has ended by whose init it was read', async () => {
    const first = await begin();
    const [one, other] = [networks.of(initOf(first)), networks.of(initOf(await begin()))];
    one.stats();
    await end(first);
    one.close();
    networks.next();
    expect(namesOf(other.stats())).toContain('lo');
  });

  it('go on where that one has ended, and is still asked for', async () => {
    // Nothing is kept open: each read opens the file anew.
    networks = createNetworks(createKernelFiles(0));
    const first = await begin();
    const [one, other] = [networks.of(initOf(first)), networks.of(initOf(await begin()))];
    for (const network of [one, other]) network.stats();
    await end(first);
    networks.next();
    expect(namesOf(other.stats())).toContain('lo');
  });
});

it('a container with a network namespace of its own is read for itself', async () => {
  const [host, own] = [await begin(), await begin('unshare', '--net')];
  for (const program of [host, own]) expect(namesOf(networks.of(initOf(program)).stats())).toContain('lo');
  expect(reads).toEqual([`/proc/${host.pid}/net/dev`, `/proc/${own.pid}/net/dev`]);
});

it('a container whose init is gone has none, nor has one with the pid of another process', async () => {
  const program = await begin();
  const init = initOf(program);
  expect(networks.of({ ...init, startTime: '1' }).stats()).toHaveLength(0);
  await end(program);
  expect(networks.of(init).stats()).toHaveLength(0);
  expect(reads).toEqual([]);
});

it('a container of which we may not know the network namespace is read for itself', async () => {
  const { pid, startTime } = initOf(await begin());
  const program = ['../../scripts/run-ts.mjs', 'interfaces-of.ts'].map((file) =>
    fileURLToPath(new URL(file, import.meta.url)),
  );
  // It has more rights than who looks.
  const without = ['--bounding-set', '-sys_ptrace', '--inh-caps', '-sys_ptrace'];
  const args = [...without, process.execPath, ...program, String(pid), startTime];
  const { stdout } = await promisify(execFile)('setpriv', args);
  expect(stdout.split(' ')).toContain('lo');
});
