// Runs a TypeScript program of this repository: node scripts/run-ts.mjs FILE [ARGUMENT…]
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile } from 'node:fs/promises';
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

// Below the root, so that packages are found; in a folder of its own, so that several runs do not meet.
await mkdir(path.join(root, 'build'), { recursive: true });
const folder = await mkdtemp(path.join(root, 'build', 'run-'));
const outfile = path.join(folder, 'program.mjs');
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
await build({
  entryPoints: [path.resolve(file)],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  sourcemap: 'inline',
  // Once all of it is loaded nobody needs the file, which a signal would leave.
  banner: {
    js: "import { rmSync as __rmSync } from 'node:fs'; __rmSync(new URL('.', import.meta.url), { recursive: true });",
  },
  plugins: [sourceUrls],
  logLevel: 'warning',
});
process.setSourceMapsEnabled(true);
process.argv.splice(1, process.argv.length, path.resolve(file), ...args);
await import(pathToFileURL(outfile).href);
