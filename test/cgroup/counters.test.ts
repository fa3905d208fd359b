import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseCounter, parseCounters } from '../../src/cgroup/counters.ts';
import { Stats } from '../../src/generated/api.ts';

const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

it('every uint64 comes through a control file and the wire as it was', () => {
  fc.assert(
    fc.property(uint64, fc.constantFrom('', '\n', ' \n'), (value, end) => {
      const stats = Stats.fromPartial({
        cgroup_stats: { memory_stats: { cache: parseCounter(`${value}${end}`) } },
      });
      expect(Stats.decode(Stats.encode(stats).finish()).cgroup_stats?.memory_stats?.cache).toBe(value);
    }),
  );
});

it('numbers by name come through as they were, the largest included', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z][a-z_.]{0,20}$/), uint64), (counters) => {
      const text = Object.entries(counters).map(([name, value]) => `${name} ${value}\n`);
      expect(parseCounters(text.join(''))).toEqual({ ...counters });
    }),
  );
});

it('whatever else a file holds is no error', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(parseCounter(text)).toBeGreaterThanOrEqual(0n);
      parseCounters(text);
    }),
  );
  expect(parseCounter('-1')).toBe(0n);
  expect(parseCounters('oom_kill\n\n 3\nlow x\n')).toEqual({ low: 0n });
});
