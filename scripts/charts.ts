// Draws the pictures of the charts in docs/charts/, and writes what docs/lifecycle.md has from the charts.
import { mkdir, writeFile } from 'node:fs/promises';
import { CHART_NAMES } from '../src/charts/charts.ts';
import { printChart } from '../src/charts/print.ts';

const folder = new URL('../docs/charts/', import.meta.url);
await mkdir(folder, { recursive: true });
for (const name of CHART_NAMES) {
  await writeFile(new URL(`${name}.svg`, folder), await printChart(name, 'svg'));
}
