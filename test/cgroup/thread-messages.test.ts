import { BinaryWriter } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readSampled, writeSampled } from '../../src/cgroup/thread-messages.ts';

it('samples come from thread to thread as they were, and where there is none, that comes as well', () => {
  const sampled = fc.record({
    key: fc.nat({ max: 2 ** 31 - 1 }),
    stats: fc.option(fc.uint8Array({ minLength: 1, maxLength: 5000 }), { nil: undefined }),
  });
  const writer = new BinaryWriter();
  fc.assert(
    fc.property(fc.array(sampled), (batch) => {
      for (const { key, stats } of batch)
        writeSampled(writer, key, (it) => {
          if (stats !== undefined) it.raw(stats);
        });
      const read = readSampled(writer.finish());
      expect(read.map(({ key, stats }) => ({ key, stats: stats && Uint8Array.from(stats) }))).toEqual(batch);
    }),
  );
});
