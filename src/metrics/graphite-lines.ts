import type { Reading } from './reading.ts';

const whole = (value: number): string => value.toFixed(0);
const fraction = (value: number): string => value.toFixed(2);

/** A metric's fields, named as cyberdelia/go-metrics-graphite names them. */
function fieldsOf(reading: Reading): [field: string, value: string][] {
  switch (reading.kind) {
    case 'counter':
      return [['count', whole(reading.count)]];
    case 'gauge':
      return [['value', whole(reading.value)]];
    case 'timer':
      return [
        ['count', whole(reading.count)],
        ['min', whole(reading.min)],
        ['max', whole(reading.max)],
        ['mean', fraction(reading.mean)],
        ['std-dev', fraction(reading.stddev)],
        ['50-percentile', fraction(reading.median)],
        ['75-percentile', fraction(reading.p75)],
        ['95-percentile', fraction(reading.p95)],
        ['99-percentile', fraction(reading.p99)],
        ['999-percentile', fraction(reading.p999)],
        ['one-minute', fraction(reading.rate1)],
        ['five-minute', fraction(reading.rate5)],
        ['fifteen-minute', fraction(reading.rate15)],
        ['mean-rate', fraction(reading.meanRate)],
      ];
  }
}

/** Every metric in Graphite's plaintext protocol: a line `prefix.name.field value unixtime` for each field. */
export function graphiteLines(prefix: string, readings: readonly Reading[], date: Date): string {
  const unixSeconds = Math.floor(date.getTime() / 1000);
  return readings
    .flatMap((reading) =>
      fieldsOf(reading).map(
        ([field, value]) => `${prefix}.${reading.name}.${field} ${value} ${unixSeconds}\n`,
      ),
    )
    .join('');
}

/** A name as one part of a path of Graphite, where points divide and blanks end. */
export const graphiteName = (name: string): string => name.replace(/[^\w+-]/gu, '_');
