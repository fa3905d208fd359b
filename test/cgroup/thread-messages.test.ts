import { BinaryWriter } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readSampled, writeSampled } from '../../src/cgroup/thread-messages.ts';

it('samples come from thread to thread as they were, and where there is none, that comes as well', () => {
  const sampled = fc.record({
    key: fc.nat({ max: 2 ** 31 - 1 }),
    stats: fc.option(fc.uint8Array({ minLength: 1, maxLength: 5000 }), { nil: undefined }),
    trouble: fc.constant(undefined),
  });
  const writer = new BinaryWriter();
  fc.assert(
    fc.property(fc.array(sampled), (batch) => {
      for (const { key, stats } of batch)
        writeSampled(writer, key, (it) => {
          if (stats !== undefined) it.raw(stats);
        });
      const read = readSampled(writer.finish());
      expect(read.map(({ stats, ...rest }) => ({ ...rest, stats: stats && Uint8Array.from(stats) }))).toEqual(
        batch,
      );
    }),
  );
});

it('a sample that could not be taken comes as what was in the way, and those beside it as they were', () => {
  const writer = new BinaryWriter();
  const stats = Uint8Array.of(1, 2, 3);
  writeSampled(writer, 1, (it) => it.raw(stats));
  writeSampled(writer, 2, () => {
    throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
  });
  writeSampled(writer, 3, (it) => it.raw(stats));
  const read = readSampled(writer.finish());
  expect(read.map(({ key, trouble }) => [key, trouble])).toEqual([
    [1, undefined],
    [2, expect.objectContaining({ code: 'EMFILE', message: 'EMFILE: too many open files' })],
    [3, undefined],
  ]);
  expect(read.map(({ stats }) => stats?.length)).toEqual([3, undefined, 3]);
});
