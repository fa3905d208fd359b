import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { credentials } from '@grpc/grpc-js';
import { execa } from 'execa';
import {
  APIClient,
  type CreateContainerRequest,
  type CreateContainerResponse,
} from '../src/generated/api.ts';

/**
 * Runs a daemon in the foreground, on a socket and a state dir of its own, with a container in it that counts aloud;
 * Ctrl-C ends both, and nothing is left. CONTAINERD_DEMO_DIR says where, for a second one beside the first.
 */

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = path.resolve(process.env.CONTAINERD_DEMO_DIR ?? '/run/containerd-xstate');
const socketPath = path.join(folder, 'containerd.sock');
const stateDir = path.join(folder, 'state');
const countFile = path.join(folder, 'demo.out');
const ctr = path.join(root, 'bin', 'ctr');
const ID = 'demo';

/** A terminal sends Ctrl-C to the whole foreground group, and npm passes it on again: within this time it is one. */
const SAME_KEYSTROKE_MS = 500;

if (await canConnect()) {
  console.error(`a daemon runs in ${folder} already; CONTAINERD_DEMO_DIR=… names another place`);
  process.exit(1);
}
await mkdir(folder, { recursive: true, mode: 0o711 });
// In a session of its own, so that it hears of a signal once, from here.
const daemon = spawn(
  path.join(root, 'bin', 'containerd'),
  ['--listen', socketPath, '--state-dir', stateDir, ...process.argv.slice(2)],
  { detached: true, stdio: ['ignore', 'inherit', 'inherit'] },
);
const ended = once(daemon, 'exit') as Promise<[number | null]>;

let lastSignalMs = Number.NEGATIVE_INFINITY;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (performance.now() - lastSignalMs > SAME_KEYSTROKE_MS) daemon.kill('SIGTERM');
    lastSignalMs = performance.now();
  });
}

const listening = await Promise.race([ended.then(() => false), untilListening()]);
if (listening && !(await startDemo())) daemon.kill('SIGTERM');
const [status] = await ended;
if (listening) await removeOurs();
process.exitCode = status ?? 1;

/** Removes what the demo and its daemon have made, unless a container is left; the folder may be somebody's. */
async function removeOurs(): Promise<void> {
  const left = await readdir(path.join(stateDir, 'containers')).catch((): string[] => []);
  if (left.length > 0) {
    console.error(`${left.join(', ')} may run still: the next daemon on ${stateDir} takes it up`);
    return;
  }
  for (const ours of [stateDir, socketPath, countFile]) await rm(ours, { recursive: true, force: true });
  await rmdir(folder).catch(() => {});
}

async function untilListening(): Promise<boolean> {
  const isThere = () => daemon.exitCode === null && daemon.signalCode === null;
  while (isThere() && !(await canConnect())) await delay(50);
  return isThere();
}

function canConnect(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** Starts the container, and says what there is to see. False if it could not be. */
async function startDemo(): Promise<boolean> {
  const client = new APIClient(`unix:${socketPath}`, credentials.createInsecure());
  const create = promisify<CreateContainerRequest, CreateContainerResponse>(
    client.createContainer.bind(client),
  );
  try {
    await writeFile(countFile, '');
    await create({
      id: ID,
      bundlePath: path.join(root, 'build', 'busybox'),
      stdin: '',
      stdout: countFile,
      stderr: countFile,
      console: '',
      checkpoint: '',
    });
    const { stdout: table } = await execa(ctr, ['--address', socketPath, 'containers']);
    process.stdout.write(`
${table}

It counts in ${countFile}. In another terminal, try:

  ${ctr} --address ${socketPath} events
  ${ctr} --address ${socketPath} containers exec --id ${ID} --attach --tty sh
  ${ctr} --address ${socketPath} containers kill ${ID}

Ctrl-C ends the container and the daemon.
`);
    return true;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return false;
  } finally {
    client.close();
  }
}
