// Bundles the three programs, the daemon's thread that takes samples and what it says of its charts into dist/, each
// whole but for koffi, which is native. Written under another name and renamed, so that a program that is being started never sees half a file.
import { rename } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

// Packages that are CommonJS ask for Node's own modules by `require`, which an ES module does not have.
const banner =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

// koffi is native and stays outside. An import would load it before anything else, and ctr mostly does without: it is
// loaded by the first module that is.
const koffi = {
  name: 'koffi',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^koffi$/ }, ({ namespace }) =>
      namespace === 'koffi' ? { external: true } : { path: 'koffi', namespace: 'koffi' },
    );
    onLoad({ filter: /^/, namespace: 'koffi' }, () => ({ contents: "module.exports = require('koffi');" }));
  },
};

/** Builds all of them. Rejects with esbuild's own errors, which it has printed. */
export async function buildPrograms() {
  for (const program of ['containerd', 'containerd-charts', 'containerd-stats', 'ctr', 'containerd-shim']) {
    const outfile = `${root}dist/${program}.js`;
    const partial = `${root}dist/${program}.${process.pid}.js`;
    await build({
      absWorkingDir: root,
      entryPoints: [`src/${program}.ts`],
      outfile: partial,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      plugins: [koffi],
      banner: { js: banner },
      logLevel: 'warning',
    });
    await rename(partial, outfile);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPrograms();
