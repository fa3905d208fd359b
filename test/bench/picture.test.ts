import { describe, expect, it } from 'vitest';
import { type Curves, panelsOf } from '../../bench/curves.ts';
import { drawPicture, type Panel } from '../../bench/picture.ts';

const CURVES: Curves = {
  clients: [
    { at: 1, startsPerSecond: 10, rawPerSecond: 20, p50Ms: 100, p99Ms: 200 },
    { at: 100, startsPerSecond: 20, rawPerSecond: 20, p50Ms: 1000, p99Ms: 10_000 },
  ],
  containers: [
    { at: 1, startsPerSecond: 20, rawPerSecond: 21, p50Ms: 400, p99Ms: 700 },
    { at: 1000, startsPerSecond: 18.26, rawPerSecond: 19, p50Ms: 500, p99Ms: 900 },
  ],
};
const picture = drawPicture('Starts', panelsOf(CURVES));
const textsOf = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, it = '']) => it);

/** Where the line of a panel goes, in px from its upper left corner. */
function lineOf(svg: string, panel: number, line: number): [number, number][] {
  const [, path = ''] =
    /<path d="(M[\d. ]+(?:L[\d. ]+)*)"\/>/.exec(
      svg.split('<g transform')[panel + 1]?.split('<g class="line ')[line + 1] ?? '',
    ) ?? [];
  return path
    .split(/[ML]/)
    .slice(1)
    .map((point) => point.split(' ').map(Number) as [number, number]);
}

describe('the picture of the curves', () => {
  it('says what is on each axis, with its unit, and what each line is', () => {
    const texts = textsOf(picture);
    expect(texts.filter((it) => it === 'Throughput')).toHaveLength(2);
    expect(texts.filter((it) => it === 'Latency of CreateContainer')).toHaveLength(2);
    for (const words of [
      'clients at a time',
      'containers already there, 10 clients',
      'starts a second',
      'ms',
    ])
      expect(texts).toContain(words);
    for (const words of ['the daemon', 'xargs -P CLIENTS runc run -d', 'half of them (p50)'])
      expect(texts).toContain(words);
  });

  it('has every place that was measured at its axis', () => {
    expect(textsOf(picture)).toEqual(expect.arrayContaining(['1', '100', '1,000', '10,000']));
  });

  it('has a line for each of daemon and raw runc, higher where there is more', () => {
    const [ours, raw] = [lineOf(picture, 0, 0), lineOf(picture, 0, 1)];
    // Ten a second are half as high as twenty; the axis ends there.
    expect(ours).toEqual([
      [64, 177],
      [476, 66],
    ]);
    expect(raw).toEqual([
      [64, 66],
      [476, 66],
    ]);
  });

  it('has latencies by tens', () => {
    const [[, first = 0] = [], [, last = 0] = []] = lineOf(picture, 2, 0);
    const [[, slowFirst = 0] = [], [, slowLast = 0] = []] = lineOf(picture, 2, 1);
    // From 100 to 1,000 ms is half of the way from 100 to 10,000.
    expect(first - last).toBeCloseTo((first - slowLast) / 2);
    expect(first - slowFirst).toBeCloseTo((first - slowLast) * (Math.log10(2) / 2), 0);
  });

  it('tells each number to the pointer', () => {
    expect(picture).toContain('<title>the daemon, 1,000: 18.3</title>');
  });

  it('has colours for paper that is light and for paper that is dark, and no script', () => {
    expect(picture).toContain('prefers-color-scheme: dark');
    expect(picture).not.toMatch(/<script|href|url\(/);
  });
});

describe('a picture', () => {
  const panel: Panel = {
    title: 'a < b',
    x: '"x"',
    y: 'y & z',
    scale: 'from zero',
    lines: [{ name: '<line>', look: 'main', points: [{ x: 1, y: 1 }] }],
  };

  it('has in it as text what means something to XML', () => {
    const svg = drawPicture('"all" of <it>', [panel]);
    expect(textsOf(svg)).toEqual(
      expect.arrayContaining(['a &lt; b', '&quot;x&quot;', 'y &amp; z', '&lt;line&gt;']),
    );
    expect(svg).toContain('aria-label="&quot;all&quot; of &lt;it&gt;"');
  });

  it('is refused where a panel has nothing in it', () => {
    expect(() => drawPicture('none', [{ ...panel, lines: [] }])).toThrow(RangeError);
  });
});
