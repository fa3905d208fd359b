// Runs a TypeScript program of this repository: node scripts/run-ts.mjs FILE [ARGUMENT…]
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const [file = '', ...args] = process.argv.slice(2);

// Beside node_modules, so that packages are found; in a folder of its own, so that several runs do not meet.
const folder = await mkdtemp(path.join(root, 'build', 'run-')).catch(() =>
  mkdtemp(path.join(os.tmpdir(), 'run-')),
);
const outfile = path.join(folder, 'program.mjs');
await build({
  entryPoints: [path.resolve(file)],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  sourcemap: 'inline',
  define: { 'import.meta.url': JSON.stringify(`file://${path.resolve(file)}`) },
  logLevel: 'warning',
});
const child = spawn(process.execPath, ['--enable-source-maps', outfile, ...args], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', async (code, signal) => {
  await rm(folder, { recursive: true, force: true });
  process.exitCode = signal === null ? (code ?? 1) : 128 + os.constants.signals[signal];
});
