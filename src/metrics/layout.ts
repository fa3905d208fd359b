import type { Reading } from './reading.ts';

const VALUE_COLUMN = 15;
const WHOLE_WIDTH = 9;
const FRACTION_WIDTH = 12;

const whole = (label: string, value: number): string =>
  `  ${label}:`.padEnd(VALUE_COLUMN) + value.toFixed(0).padStart(WHOLE_WIDTH);
const fraction = (label: string, value: number): string =>
  `  ${label}:`.padEnd(VALUE_COLUMN) + value.toFixed(2).padStart(FRACTION_WIDTH);

/** What the original printed of a metric (its README, Telemetry), without the stamp that begins each line. */
export function linesOf(reading: Reading): string[] {
  const title = `${reading.kind} ${reading.name}`;
  switch (reading.kind) {
    case 'counter':
      return [title, whole('count', reading.count)];
    case 'gauge':
      return [title, whole('value', reading.value)];
    case 'timer':
      return [
        title,
        whole('count', reading.count),
        whole('min', reading.min),
        whole('max', reading.max),
        fraction('mean', reading.mean),
        fraction('stddev', reading.stddev),
        fraction('median', reading.median),
        fraction('75%', reading.p75),
        fraction('95%', reading.p95),
        fraction('99%', reading.p99),
        fraction('99.9%', reading.p999),
        fraction('1-min rate', reading.rate1),
        fraction('5-min rate', reading.rate5),
        fraction('15-min rate', reading.rate15),
        fraction('mean rate', reading.meanRate),
      ];
  }
}

const twoDigits = (value: number): string => String(value).padStart(2, '0');

/** What begins each line of the original's output: `[containerd] 2015/12/16 11:48:28 `, in local time. */
export function stampOf(date: Date): string {
  const day = [date.getFullYear(), twoDigits(date.getMonth() + 1), twoDigits(date.getDate())].join('/');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':');
  return `[containerd] ${day} ${time} `;
}

/** Every metric as the original printed them, each line with its stamp and its end. */
export function printed(readings: readonly Reading[], date: Date): string {
  const stamp = stampOf(date);
  return readings
    .flatMap(linesOf)
    .map((line) => `${stamp}${line}\n`)
    .join('');
}
