// Runs the daemon of this checkout, built anew and restarted at each change of src/ or proto/. Its arguments are the
// daemon's: npm run dev -- --debug
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildInspector, buildPrograms } from './build.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** An editor saves in several steps. */
const SETTLE_MS = 100;

let daemon;
let ending = false;

async function restart() {
  try {
    execFileSync(path.join(root, 'node_modules/.bin/buf'), ['generate'], { cwd: root, stdio: 'inherit' });
    await buildPrograms();
    await buildInspector();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error('dev: it does not build; the daemon goes on as it was');
    return;
  }
  await stop('SIGTERM');
  daemon = spawn(path.join(root, 'bin/containerd'), process.argv.slice(2), {
    detached: true,
    stdio: 'inherit',
  });
}

async function stop(signal) {
  if (daemon === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return;
  const ended = once(daemon, 'exit');
  daemon.kill(signal);
  await ended;
}

// One restart at a time, and one more for whatever changes meanwhile.
let work = restart();
let timer;
function changed(name) {
  if (ending || name?.startsWith('generated')) return;
  clearTimeout(timer);
  timer = setTimeout(() => {
    work = work.then(restart);
  }, SETTLE_MS);
}
const watchers = ['src', 'proto'].map((folder) =>
  watch(path.join(root, folder), { recursive: true }, (_, name) => changed(name)),
);

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, async () => {
    if (ending) return;
    ending = true;
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
    await work;
    await stop(signal);
  });
}
