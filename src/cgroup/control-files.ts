import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { KernelFile, KernelFiles } from './kernel-files.ts';

/** The folder of each cgroup v1 controller; of v2, one folder under the empty name, as runc's state.json has it. */
export type CgroupPaths = Record<string, string>;

/** The control files of one container's cgroups. */
export type ControlFiles = {
  /** What a controller's file holds now; empty where there is no such controller or file, or no longer. */
  read(controller: string, file: string): string;
  /** The names of a controller's files, as they were at first. */
  names(controller: string): readonly string[];
  /** Whether any of the files that have been read is there still. */
  exist(): boolean;
  close(): void;
};

/** Of several hierarchies, runc puts v1 controllers first; a v2 folder beside them holds none (a "hybrid" host). */
export const isUnified = (paths: CgroupPaths): boolean => Object.keys(paths).every((name) => name === '');

/** Opens the control files of a container's cgroups. */
export function openControlFiles(paths: CgroupPaths, files: KernelFiles): ControlFiles {
  const opened = new Map<string, Map<string, KernelFile>>();
  const listed = new Map<string, readonly string[]>();

  // Found without making one key of both names, as it is for each read.
  const fileOf = (controller: string, name: string): KernelFile | undefined =>
    opened.get(controller)?.get(name) ?? openFile(controller, name);
  function openFile(controller: string, name: string): KernelFile | undefined {
    const folder = paths[controller];
    if (folder === undefined) return undefined;
    const file = files.open(path.join(folder, name));
    const ofController = opened.get(controller) ?? new Map<string, KernelFile>();
    opened.set(controller, ofController.set(name, file));
    return file;
  }
  function* all(): Iterable<KernelFile> {
    for (const ofController of opened.values()) yield* ofController.values();
  }

  return {
    read: (controller, name) => fileOf(controller, name)?.read() ?? '',
    names(controller) {
      let names = listed.get(controller);
      if (names === undefined) {
        names = namesIn(paths[controller]);
        listed.set(controller, names);
      }
      return names;
    },
    exist() {
      for (const file of all()) if (!file.isGone()) return true;
      return false;
    },
    close() {
      for (const file of all()) file.close();
    },
  };
}

function namesIn(folder: string | undefined): readonly string[] {
  if (folder === undefined) return [];
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
