import { execFileSync } from 'node:child_process';
import { copyFileSync, linkSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ShimStart } from '../../src/shim/client.ts';
import type { ShimUnderTest } from './shim-under-test.ts';

const COMMANDS = ['sh', 'cat', 'echo', 'sleep', 'grep', 'stty', 'head', 'tty'];

/** Makes a bundle whose root file system is a busybox, and whose process is a shell script, or a command. */
export function makeBundle(
  path: string,
  process: string | string[],
  options: { terminal?: boolean } = {},
): string {
  const bin = join(path, 'rootfs/bin');
  mkdirSync(bin, { recursive: true });
  copyFileSync('/usr/bin/busybox', join(bin, 'busybox'));
  for (const command of COMMANDS) {
    linkSync(join(bin, 'busybox'), join(bin, command));
  }
  execFileSync('runc', ['spec'], { cwd: path });
  const config = JSON.parse(readFileSync(join(path, 'config.json'), 'utf8'));
  config.process.terminal = options.terminal ?? false;
  config.process.args = typeof process === 'string' ? ['/bin/sh', '-c', process] : process;
  writeFileSync(join(path, 'config.json'), JSON.stringify(config));
  return path;
}

const rootOf = (shim: ShimUnderTest): string => shim.path('runc');

/** With a log of its own, runc says only what matters on stderr. */
const runc = (shim: ShimUnderTest, name: string): string[] => [
  'runc',
  '--root',
  rootOf(shim),
  '--log',
  shim.path(`${name}.log`),
  '--log-format',
  'json',
];

/** A start of a container by runc. */
export function runRequest(
  shim: ShimUnderTest,
  id: string,
  bundle: string,
  changes: Partial<ShimStart> = {},
): ShimStart {
  const request = shim.request(id, '', changes);
  const terminal = request.consoleSocket === '' ? [] : ['--console-socket', request.consoleSocket];
  const { pidFile } = request;
  const options = ['--pid-file', pidFile, '--bundle', bundle, ...terminal, id];
  return terminal.length === 0
    ? { ...request, argv: [...runc(shim, id), 'run', '--detach', ...options] }
    : {
        ...request,
        argv: [...runc(shim, id), 'create', ...options],
        startArgv: [...runc(shim, id), 'start', id],
      };
}

/** A start of a further process in a container by runc. */
export function execRequest(
  shim: ShimUnderTest,
  id: string,
  name: string,
  args: string[],
  changes: Partial<ShimStart> = {},
): ShimStart {
  const request = shim.request(`${id}-${name}`, '', { ...changes, key: { container: id, process: name } });
  const terminal = request.consoleSocket === '' ? [] : ['--tty', '--console-socket', request.consoleSocket];
  const options = ['--detach', '--pid-file', request.pidFile, ...terminal, id];
  return { ...request, argv: [...runc(shim, name), 'exec', ...options, ...args] };
}

/** Ends and forgets a container. */
export function deleteContainer(shim: ShimUnderTest, id: string): void {
  execFileSync('runc', ['--root', rootOf(shim), 'delete', '--force', id], { stdio: 'ignore' });
}
