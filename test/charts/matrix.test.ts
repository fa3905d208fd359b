import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { MACHINES } from '../../src/charts/charts.ts';
import { matrixOf, REQUESTS, withMatrix } from '../../src/charts/matrix.ts';
import { statesOf } from '../machines/fixtures/chart.ts';

const matrix = matrixOf(MACHINES.container, REQUESTS);
const rows = matrix.split('\n').map((line) => line.slice(2, -2).split(' | '));
const cell = (state: string, request: string) =>
  rows.find(([name]) => name === state)?.[rows[0]?.indexOf(request) ?? -1];

it('the matrix has every state of the container, and no request to which one says nothing', () => {
  expect(rows.slice(2).map(([state]) => state)).toEqual(statesOf(MACHINES.container));
  expect(rows.flat()).not.toContain('nothing');
});

it.each([
  ['created.queued', 'exec', '✗ containerState'],
  ['running.steady', 'exec', '[crowded] ✗ tooManyProcesses; launchExec'],
  ['running.pausing', 'exec', '[full] ✗ tooManyRequests; waits'],
  ['paused.steady', 'exec', '✗ containerState'],
  ['running.steady', 'checkpoint', '[launching] → running.settling; → running.checkpointing'],
  ['exited.draining', 'signal', '✗ containerExited'],
])('in %s, %s is answered as the chart has it', (state, request, answer) => {
  expect(cell(state, request)).toBe(answer);
});

it('docs/lifecycle.md has the matrix of the chart', async () => {
  const page = await readFile(new URL('../../docs/lifecycle.md', import.meta.url), 'utf8');
  expect(page, 'run: npm run charts').toBe(withMatrix(page, matrix));
});

it('a page without a place for it is refused', () => {
  expect(() => withMatrix('# A page', matrix)).toThrow('the page has no place for the matrix');
});
