import type { CgroupStats } from '../generated/messages/api.ts';
import type { ControlFiles } from './control-files.ts';

export type PartFiles = Pick<ControlFiles, 'read' | 'names'>;

/** A part of the stats, which depends on nothing but what it reads. */
export type Part<T> = (files: PartFiles) => T;

/** The parts that `CgroupStats` of api.proto has. */
export type CgroupParts = { [Field in keyof CgroupStats]: Part<CgroupStats[Field]> };

type Reading = { controller: string; file: string; text: string };

/**
 * Gives what a part says now, which is the very same value as before where each text is the same that it read then:
 * most of what a container could use it does not use within a second, and to parse and encode takes longer than to read.
 */
export function remember<T>(part: Part<T>, { read, names }: PartFiles): () => T {
  let last: { readings: Reading[]; value: T } | undefined;

  /** What is read anew up to the first text that has changed; undefined where none has. */
  function firstChange(readings: readonly Reading[]): Reading[] | undefined {
    for (const [n, { controller, file, text: before }] of readings.entries()) {
      const text = read(controller, file);
      if (text !== before) return [...readings.slice(0, n), { controller, file, text }];
    }
    return undefined;
  }

  return () => {
    const known = last === undefined ? [] : firstChange(last.readings);
    if (last !== undefined && known === undefined) return last.value;
    const readings: Reading[] = [];
    const value = part({
      names,
      read(controller, file) {
        // Until it has read what is new, a part reads the same files in the same order.
        const reading = known?.[readings.length] ?? { controller, file, text: read(controller, file) };
        readings.push(reading);
        return reading.text;
      },
    });
    last = { readings, value };
    return value;
  };
}
