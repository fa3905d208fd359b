// Runs a TypeScript program of this repository: node scripts/run-ts.mjs FILE [ARGUMENT…]
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const [file = '', ...args] = process.argv.slice(2);

// Each module knows where it came from, not where the bundle is.
const sourceUrls = {
  name: 'source-urls',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path: source }) => ({
      loader: 'ts',
      contents: (await readFile(source, 'utf8')).replaceAll(
        'import.meta.url',
        JSON.stringify(pathToFileURL(source).href),
      ),
    }));
  },
};

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
  plugins: [sourceUrls],
  logLevel: 'warning',
});
const child = spawn(process.execPath, ['--enable-source-maps', outfile, ...args], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', async (code, signal) => {
  await rm(folder, { recursive: true, force: true });
  process.exitCode = signal === null ? (code ?? 1) : 128 + os.constants.signals[signal];
});
