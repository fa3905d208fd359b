import path from 'node:path';
import { isShortage } from '../errors.ts';
import { readRegularFile } from '../linux/regular-file.ts';
import type { CheckpointOptions } from '../machines/messages.ts';

/** More than CRIU's flags ever need. */
const MAX_BYTES = 64 * 1024;

/** Where the flags of a checkpoint are, in its folder. */
export const flagsFile = (images: string): string => path.join(images, 'config.json');

/** What a checkpoint's `config.json` says; `name` is what it says it is called, which its folder need not be. */
export type Flags = Omit<CheckpointOptions, 'name'> & { name: string };

/** Reads the flags of a checkpoint; undefined where there are none, or none that mean anything. Throws where there is nothing to read with. */
export async function readFlagsFile(images: string): Promise<Flags | undefined> {
  try {
    const json: unknown = JSON.parse(await readRegularFile(flagsFile(images), MAX_BYTES));
    const flags = typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
    const has = (flag: string): boolean => flags[flag] === true;
    const name = typeof flags.name === 'string' ? flags.name : '';
    return { name, exit: has('exit'), tcp: has('tcp'), unixSockets: has('unixSockets'), shell: has('shell') };
  } catch (error) {
    if (isShortage(error)) throw error;
    // Not ours to judge: CRIU's images say themselves whether they can be restored.
    return undefined;
  }
}
