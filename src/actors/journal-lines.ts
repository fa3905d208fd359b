import type { FileHandle } from 'node:fs/promises';
import { Event } from '../generated/api.ts';

/** The lines of the journal's files: one JSON object each. */

/** How much of a file's end is looked at first for its last event: some hundred lines. */
const TAIL_BYTES = 64 * 1024;

/** One line: numbers beyond 2^53 as strings, what is empty left out. */
export const lineOf = ({ sequence, timestamp, ...event }: Event): string => {
  const { type, id, pid, status, checkpoint, unknown, adopted, why } = event;
  return `${JSON.stringify({
    sequence: String(sequence),
    timestamp: String(timestamp),
    type,
    id,
    ...(pid !== 0 && { pid }),
    ...(status !== 0 && { status }),
    ...(unknown && { unknown }),
    ...(adopted && { adopted }),
    ...(why !== '' && { why }),
    ...(checkpoint && { checkpoint }),
  })}\n`;
};

/** The event of a line, or undefined where the line is torn or not ours. */
export function eventOfLine(line: string): Event | undefined {
  try {
    const {
      sequence,
      timestamp,
      type,
      id,
      pid = 0,
      status = 0,
      checkpoint,
      why = '',
      ...marks
    } = JSON.parse(line);
    const isOurs = [type, id, why].every(isText) && [pid, status].every(isUint32);
    if (!isOurs || (checkpoint !== undefined && !isText(checkpoint?.name))) return undefined;
    const unknown = marks.unknown === true;
    const adopted = marks.adopted === true;
    const event = Event.fromPartial({ type, id, pid, status, checkpoint, unknown, adopted, why });
    event.sequence = uint64(sequence);
    event.timestamp = uint64(timestamp);
    return event;
  } catch {
    return undefined;
  }
}

export const isText = (value: unknown): boolean => typeof value === 'string';
export const isUint32 = (value: unknown): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32;

/** Of decimal digits; throws where it is none. */
export function uint64(text: unknown): bigint {
  const number = BigInt(typeof text === 'string' ? text : '?');
  if (BigInt.asUintN(64, number) !== number) throw new RangeError(`${number} is no uint64`);
  return number;
}

/** The events of a file from a byte on, at which a line begins, some hundred at a time. */
export async function* eventsIn(handle: FileHandle, start = 0): AsyncGenerator<Event[]> {
  let rest = '';
  for await (const chunk of handle.createReadStream({ encoding: 'utf8', start })) {
    const [first = '', ...others] = String(chunk).split('\n');
    const lines = [rest + first, ...others];
    rest = lines.pop() ?? '';
    yield lines.map(eventOfLine).filter((event) => event !== undefined);
  }
  // A crash may have cut off the end of a line alone: what is appended next ends it.
  const last = eventOfLine(rest);
  if (last !== undefined) yield [last];
}

/** The number of the last event of a file, 0 if it has none, and whether the file ends within a line. */
export async function endOf(handle: FileHandle): Promise<{ sequence: bigint; torn: boolean }> {
  const { size } = await handle.stat();
  for (let tail = TAIL_BYTES; ; tail *= 2) {
    const start = Math.max(0, size - tail);
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(size - start), position: start });
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
    const last = lines.findLast((line) => eventOfLine(line) !== undefined);
    if (last !== undefined || start === 0) {
      return { sequence: eventOfLine(last ?? '')?.sequence ?? 0n, torn: lines.at(-1) !== '' };
    }
  }
}
