// Bundles the three programs, the daemon's threads and what it says of its charts into dist/, each
// whole but for koffi, which is native; the inspector's page, as one document; and the kit for tests. Written under
// another name and renamed, so that a program that is being started never sees half a file.
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
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
  for (const program of [
    'containerd',
    'containerd-charts',
    'containerd-errands',
    'containerd-stats',
    'ctr',
    'containerd-shim',
  ]) {
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

/** Text as a browser is told which it may run. */
const hashOf = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** The charts' pictures, drawn by the code that the tests know. */
async function drawPictures() {
  // A module is loaded once of a name, and the charts may have changed since.
  const outfile = `${root}dist/pictures.${randomUUID()}.mjs`;
  await build({
    absWorkingDir: root,
    entryPoints: ['src/inspector/pictures.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: banner },
    logLevel: 'warning',
  });
  try {
    return await (await import(outfile)).drawPictures();
  } finally {
    await rm(outfile);
  }
}

/** The page and all that it needs in one document, which may load nothing and run nothing but its own script. */
export async function buildInspector() {
  const folder = `${root}src/inspector/page`;
  const contents = JSON.stringify(await drawPictures());
  const pictures = {
    name: 'pictures',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^containerd:pictures$/ }, () => ({ path: 'pictures', namespace: 'pictures' }));
      onLoad({ filter: /^/, namespace: 'pictures' }, () => ({ contents, loader: 'json' }));
    },
  };
  const bundle = async (entryPoint, plugins = []) => {
    const { outputFiles } = await build({
      absWorkingDir: root,
      entryPoints: [entryPoint],
      bundle: true,
      write: false,
      minify: true,
      target: ['chrome123', 'firefox120', 'safari17.5'],
      format: 'iife',
      plugins,
      logLevel: 'warning',
    });
    return outputFiles[0].text.trim();
  };
  const style = await bundle(`${folder}/style.css`);
  // A script ends where the text says so, in a string as well.
  const script = (await bundle(`${folder}/main.ts`, [pictures])).replaceAll('</script', '<\\/script');
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const document = (await readFile(`${folder}/index.html`, 'utf8'))
    .replace(
      '</head>',
      () =>
        `<meta http-equiv="Content-Security-Policy" content="${policy}">\n<style>${style}</style>\n</head>`,
    )
    .replace('</body>', () => `<script>${script}</script>\n</body>`);
  await mkdir(`${root}dist/inspector`, { recursive: true });
  const partial = `${root}dist/inspector/index.${process.pid}.html`;
  await writeFile(partial, document);
  await rename(partial, `${root}dist/inspector/index.html`);
}

/** Builds what others import as `containerd-xstate/testing`, and its types; XState and gRPC are theirs as well as ours. */
async function buildTestingKit() {
  await build({
    absWorkingDir: root,
    entryPoints: ['src/testing/index.ts'],
    outfile: `${root}dist/testing.js`,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  });
  await promisify(execFile)(`${root}node_modules/.bin/tsc`, ['-p', `${root}tsconfig.testing.json`]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // As old as what is built of: whatever is saved meanwhile is newer. It is there where all of it has been built.
  const stamp = `${root}dist/.built.${process.pid}`;
  await mkdir(`${root}dist`, { recursive: true });
  await writeFile(stamp, '');
  try {
    await buildPrograms();
    await buildInspector();
    await buildTestingKit();
    await rename(stamp, `${root}dist/.built`);
  } finally {
    await rm(stamp, { force: true });
  }
}
