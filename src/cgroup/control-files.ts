import { readdirSync } from 'node:fs';
import path from 'node:path';
import { isShortage } from '../errors.ts';
import type { KernelFile, KernelFiles } from './kernel-files.ts';

/** The folder of each cgroup v1 controller; of v2, one folder under the empty name, as runc's state.json has it. */
export type CgroupPaths = Record<string, string>;

export type ControlFile = Pick<KernelFile, 'read'>;

/** The control files of one container's cgroups. */
export type ControlFiles = {
  /** A controller's file, the same for each call; of a controller that is not there, it holds nothing. */
  open(controller: string, name: string): ControlFile;
  /** The names of a controller's files, as they were at first. Throws as `KernelFile.read`. */
  names(controller: string): readonly string[];
  /** Whether any of the files that have been read is there still. */
  exist(): boolean;
  close(): void;
};

/** Of several hierarchies, runc puts v1 controllers first; a v2 folder beside them holds none (a "hybrid" host). */
export const isUnified = (paths: CgroupPaths): boolean => Object.keys(paths).every((name) => name === '');

const NO_FILE: ControlFile = { read: () => undefined };

/** Opens the control files of a container's cgroups. */
export function openControlFiles(paths: CgroupPaths, files: KernelFiles): ControlFiles {
  const opened = new Map<string, KernelFile>();
  const listed = new Map<string, readonly string[]>();
  return {
    open(controller, name) {
      const folder = paths[controller];
      if (folder === undefined) return NO_FILE;
      const key = `${controller}/${name}`;
      const file = opened.get(key) ?? files.open(path.join(folder, name));
      opened.set(key, file);
      return file;
    },
    names(controller) {
      let names = listed.get(controller);
      if (names === undefined) {
        names = namesIn(paths[controller]);
        listed.set(controller, names);
      }
      return names;
    },
    exist() {
      for (const file of opened.values()) if (!file.isGone()) return true;
      return false;
    },
    close() {
      for (const file of opened.values()) file.close();
    },
  };
}

function namesIn(folder: string | undefined): readonly string[] {
  if (folder === undefined) return [];
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isShortage(error)) throw error;
    return [];
  }
}
