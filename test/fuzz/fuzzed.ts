import fc from 'fast-check';

/** The same rubbish each time, unless FUZZ_SEED says otherwise; what fails says the seed again. */
export const SEED = Number(process.env.FUZZ_SEED ?? 20_151_217);
process.stdout.write(`FUZZ_SEED=${SEED}\n`);

/** Some bytes with bits flipped, cut short, cut out, said twice, or put in. */
export const mutated = (bytes: Uint8Array): fc.Arbitrary<Buffer> => {
  const place = fc.nat({ max: Math.max(0, bytes.length - 1) });
  const change = fc.oneof(
    fc.record({ kind: fc.constant('flip'), at: place, with: fc.integer({ min: 1, max: 255 }) }),
    fc.record({ kind: fc.constant('cut'), at: place, with: fc.nat({ max: 64 }) }),
    fc.record({ kind: fc.constant('end'), at: place, with: fc.constant(0) }),
    fc.record({ kind: fc.constant('twice'), at: place, with: fc.nat({ max: 64 }) }),
    fc.record({ kind: fc.constant('put'), at: place, with: fc.nat({ max: 255 }) }),
  );
  return fc.array(change, { minLength: 1, maxLength: 6 }).map((changes) => {
    let text = Buffer.from(bytes);
    for (const { kind, at, with: value } of changes) {
      const [before, after] = [text.subarray(0, at), text.subarray(at)];
      if (kind === 'flip' && text.length > at) text[at] = (text[at] ?? 0) ^ value;
      if (kind === 'cut') text = Buffer.concat([before, after.subarray(value)]);
      if (kind === 'end') text = Buffer.from(before);
      if (kind === 'twice') text = Buffer.concat([before, after.subarray(0, value), after]);
      if (kind === 'put') text = Buffer.concat([before, Buffer.of(value), after]);
    }
    return text;
  });
};
