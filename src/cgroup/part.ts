import type { CgroupStats } from '../generated/messages/api.ts';
import type { ControlFile, ControlFiles } from './control-files.ts';

/** What a part may read: what a controller's file holds, empty where there is none, and the names of its files. */
export type PartFiles = {
  read(controller: string, file: string): string;
  names(controller: string): readonly string[];
};

/** A part of the stats, which depends on nothing but what it reads. */
export type Part<T> = (files: PartFiles) => T;

/** The parts that `CgroupStats` of api.proto has. */
export type CgroupParts = { [Field in keyof CgroupStats]: Part<CgroupStats[Field]> };

type Reading = { file: ControlFile; text: string };

/**
 * Gives what a part says now, which is the very same value as before where each text is the same that it read then:
 * most of what a container could use it does not use within a second, and to parse and encode takes longer than to read.
 */
export function remember<T>(part: Part<T>, { open, names }: Pick<ControlFiles, 'open' | 'names'>): () => T {
  let last: { readings: Reading[]; value: T } | undefined;

  return () => {
    const known = last === undefined ? [] : firstChange(last.readings);
    if (last !== undefined && known === undefined) return last.value;
    const readings: Reading[] = [];
    const value = part({
      names,
      read(controller, name) {
        // Until it has read what is new, a part reads the same files in the same order.
        const reading = known?.[readings.length] ?? readingOf(open(controller, name));
        readings.push(reading);
        return reading.text;
      },
    });
    last = { readings, value };
    return value;
  };
}

const readingOf = (file: ControlFile): Reading => ({ file, text: file.read() ?? '' });

/** What is read anew up to the first text that has changed; undefined where none has. */
function firstChange(readings: readonly Reading[]): Reading[] | undefined {
  for (const [n, { file, text }] of readings.entries()) {
    const reading = readingOf(file);
    if (reading.text !== text) return [...readings.slice(0, n), reading];
  }
  return undefined;
}
