// Draws the pictures of the charts in docs/charts/, and writes what docs/lifecycle.md has from the charts.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { CHART_NAMES, MACHINES } from '../src/charts/charts.ts';
import { matrixOf, REQUESTS, withMatrix } from '../src/charts/matrix.ts';
import { printChart } from '../src/charts/print.ts';

const folder = new URL('../docs/charts/', import.meta.url);
await mkdir(folder, { recursive: true });
for (const name of CHART_NAMES) {
  await writeFile(new URL(`${name}.svg`, folder), await printChart(name, 'svg'));
}
const page = new URL('../docs/lifecycle.md', import.meta.url);
const text = await readFile(page, 'utf8');
await writeFile(page, withMatrix(text, matrixOf(MACHINES.container, REQUESTS)));
