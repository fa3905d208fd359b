import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Body, encodeFrame, FrameDecoder, MAX_FRAME_BYTES, nextId } from '../../src/shim/frames.ts';

const killOf = (container: string, signal: number): Body => ({
  $case: 'kill',
  value: { key: { container, process: 'init' }, signal },
});

test('frames come out as they went in, however the connection cuts them', () => {
  const anyKill = fc.record({ id: fc.nat(), container: fc.string({ maxLength: 300 }), signal: fc.nat() });
  fc.assert(
    fc.property(fc.array(anyKill), fc.array(fc.integer({ min: 1, max: 200 })), (kills, cuts) => {
      const frames = kills.map(({ id, container, signal }) => ({ id, body: killOf(container, signal) }));
      let bytes = Buffer.concat(frames.map(({ id, body }) => encodeFrame(id, body)));
      const decoder = new FrameDecoder();
      const decoded = cuts.flatMap((cut) => {
        const piece = bytes.subarray(0, cut);
        bytes = bytes.subarray(cut);
        return decoder.push(piece);
      });
      expect([...decoded, ...decoder.push(bytes)]).toEqual(frames);
    }),
  );
});

test('ids begin again after the last that a frame can have, with none that is taken and never with 0', () => {
  const last = 0xffff_ffff;
  expect(nextId(last - 1, new Set())).toBe(last);
  expect(nextId(last, new Set())).toBe(1);
  expect(nextId(last - 1, new Set([last, 1, 2]))).toBe(3);
  const body = killOf('a', 9);
  expect(new FrameDecoder().push(encodeFrame(last, body))).toEqual([{ id: last, body }]);
});

test('a frame of some megabytes in small pieces is put together', () => {
  const body = killOf('x'.repeat(4_000_000), 9);
  const bytes = encodeFrame(7, body);
  const decoder = new FrameDecoder();
  const frames = [];
  for (let offset = 0; offset < bytes.length; offset += 65_536) {
    frames.push(...decoder.push(bytes.subarray(offset, offset + 65_536)));
  }
  expect(frames).toEqual([{ id: 7, body }]);
});

test('a length beyond all bounds is refused before anything is kept for it', () => {
  const length = MAX_FRAME_BYTES + 1;
  const prefix = [0, 7, 14, 21].map((shift) => ((length >> shift) & 0x7f) | (shift < 21 ? 0x80 : 0));
  expect(() => new FrameDecoder().push(Buffer.from(prefix))).toThrow('is longer than');
  expect(() => new FrameDecoder().push(Buffer.from([0xff, 0xff, 0xff, 0xff]))).toThrow('no length');
});

test('what is no frame is refused, and nothing but an error comes of any bytes', () => {
  expect(() => new FrameDecoder().push(Buffer.from([2, 0x0f, 0x0f]))).toThrow();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        new FrameDecoder().push(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }),
  );
});
