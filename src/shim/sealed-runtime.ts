import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import { sealedCopy } from '../linux/memfd.ts';

/**
 * Runtimes that put a copy of themselves between themselves and a container, for each start and each exec, so that nobody
 * in there can write to their program (CVE-2019-5736): by two mounts and one more execve(2), a tenth of what a start costs.
 * One that is run from a sealed copy in memory sees that there is nothing to protect (runc since 1.0, crun: cloned_binary.c).
 */
const SELF_CLONING = new Set(['runc', 'crun']);

const ELF = Buffer.from('\x7fELF', 'latin1');

/** How long a runtime is taken for the one that was found: to look for it is a twentieth of what a start costs the shim. */
const LOOK_AGAIN_MS = 100;

type Sealed = { identity: string; fd: number | undefined; foundMs: number };

export type SealedRuntimes = {
  /** What to run in the place of a program: a path of its copy, or undefined where it is to be run as it is. */
  of(name: string): string | undefined;
  /** Its copy cannot be run. */
  giveUp(name: string): void;
};

/** Copies of the runtimes that are asked for, each made once, and again soon after the runtime has been replaced. */
export function createSealedRuntimes(
  searchPath = process.env.PATH ?? '',
  nowMs = () => performance.now(),
): SealedRuntimes {
  const copies = new Map<string, Sealed>();

  function copyOf(name: string): Sealed | undefined {
    const known = copies.get(name);
    const foundMs = nowMs();
    if (known !== undefined && foundMs - known.foundMs < LOOK_AGAIN_MS) return known;
    const found = locate(name, searchPath, known?.identity);
    if (found === undefined) return undefined;
    if (known?.identity === found.identity) {
      known.foundMs = foundMs;
      return known;
    }
    if (known?.fd !== undefined) closeSync(known.fd);
    // Of one that could not be copied it is not known that the next attempt fails too.
    const sealed: Sealed = { identity: '', fd: undefined, foundMs };
    copies.set(name, sealed);
    try {
      sealed.fd = copyIfElf(found.file);
      sealed.identity = found.identity;
    } catch {
      // A copy is of use, and not needed.
    }
    return sealed;
  }

  return {
    of(name) {
      if (!SELF_CLONING.has(path.basename(name))) return undefined;
      const fd = copyOf(name)?.fd;
      // Of the child: it has the descriptor until its program runs.
      return fd === undefined ? undefined : `/proc/self/fd/${fd}`;
    },
    giveUp(name) {
      const known = copies.get(name);
      if (known?.fd === undefined) return;
      closeSync(known.fd);
      known.fd = undefined;
    },
  };
}

/** The program of a name as execvp(3) finds it, and what changes when it is replaced; `known` is one that can be run. */
function locate(
  name: string,
  searchPath: string,
  known: string | undefined,
): { file: string; identity: string } | undefined {
  const files = name.includes('/')
    ? [name]
    : searchPath.split(':').map((folder) => path.join(folder || '.', name));
  for (const file of files) {
    const stat = statSync(file, { bigint: true, throwIfNoEntry: false });
    if (!stat?.isFile()) continue;
    const { dev, ino, size, mtimeNs, ctimeNs } = stat;
    const identity = [file, dev, ino, size, mtimeNs, ctimeNs].join(' ');
    if (identity === known || isExecutable(file)) return { file, identity };
  }
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A script has none, as its interpreter would not find it. */
function copyIfElf(file: string): number | undefined {
  const source = openSync(file, 'r');
  try {
    const magic = Buffer.alloc(ELF.length);
    readSync(source, magic, 0, ELF.length, 0);
    return magic.equals(ELF) ? sealedCopy(path.basename(file), source) : undefined;
  } finally {
    closeSync(source);
  }
}
