import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Errand } from '../errands/errand.ts';
import type { StartRecord } from '../generated/shim.ts';
import type { CreateRequest, Launched, ProcessSpec } from '../machines/messages.ts';
import { isCreateRequest, isProcessSpec } from './record-shape.ts';
import type { StateDir } from './state-dir.ts';

/**
 * What a daemon writes down of a container before it acts, so that the next one can take it up: the request that
 * made it, of each exec what runc was given and, once it runs, who it is. Who init is, runc knows.
 */

const VERSION = 1;
const FILE = 'container.json';
const OOM = 'oom-kills';
const EXEC = /^(exec-\d+)\.json$/;

/** An exec's environment as it was asked for, beside what runc is given; runc passes over what it does not know. */
export const ASKED_ENV = 'askedEnv';

/** Where runc writes the pid of a process. The file stays until the journal has the start. */
export const pidFileOf = (folder: string, process: string): string => `${folder}/${process}.pid`;

export const recordFileOf = (folder: string): string => `${folder}/${FILE}`;

/** What to write down of a container that is about to be started, in a folder that is new: nothing can be half replaced. */
export const recordOf = (folder: string, create: CreateRequest): StartRecord => ({
  folder,
  file: recordFileOf(folder),
  text: JSON.stringify({ version: VERSION, create }),
});

/** To write that down, where the shim does not. */
export const errandOf = ({ folder, file, text }: StartRecord): Errand =>
  folder === '' ? { what: 'write', file, text, remove: [] } : { what: 'make', folder, file, text };

/** Where it is written down who an exec is, once it runs. */
export const startedFileOf = (folder: string, process: string): string => `${folder}/${process}.started`;

/** Where runc logs what it does to start a process. */
export const logFileOf = (folder: string, process: string): string => `${folder}/${process}.log`;

/** To write down who an exec is, where the shim has not: of init, runc does. */
export const startedErrand = (folder: string, process: string, launched: Launched): Errand => ({
  what: 'write',
  file: startedFileOf(folder, process),
  text: JSON.stringify(launched),
  remove: [],
});

/** Who an exec is or was; undefined where it never came to run, or that was torn. */
export async function readStarted(
  folder: string,
  process: string,
): Promise<{ pid: number; startTime: bigint } | undefined> {
  try {
    const { pid, startTime } = JSON.parse(await readFile(startedFileOf(folder, process), 'utf8'));
    const isOurs = Number.isSafeInteger(pid) && pid > 0 && /^\d+$/.test(startTime);
    return isOurs ? { pid, startTime: BigInt(startTime) } : undefined;
  } catch {
    return undefined;
  }
}

/** To remove what was written down of an exec, last what tells of it. */
export const forgetExecErrand = (folder: string, process: string): Errand => ({
  what: 'remove',
  files: [
    logFileOf(folder, process),
    path.join(folder, `${process}.json`),
    startedFileOf(folder, process),
    pidFileOf(folder, process),
  ],
});

/**
 * What was written down of a container; undefined where that is torn or missing, so that it never started. Throws where
 * it cannot be read, or is another version's, whose container may well run.
 */
export async function readRecord(folder: string): Promise<CreateRequest | undefined> {
  try {
    return recordIn(await readFile(recordFileOf(folder), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The same of what the file says. */
export function recordIn(text: string): CreateRequest | undefined {
  const record = parse(text);
  if (record === undefined) return undefined;
  const { version, create } = Object(record) as { version?: unknown; create?: unknown };
  if (version !== VERSION) throw new Error(`its record is of version ${version}`);
  if (!isCreateRequest(create)) throw new Error('its record makes no sense');
  return create;
}

/** Undefined where it is torn. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Writes down the kernel's count of OOM kills, once subscribers have been told. */
export const writeOomKills = (folder: string, kills: number): Promise<void> =>
  writeFile(path.join(folder, OOM), String(kills), { mode: 0o600 });

/** The count that was written down; 0 where it is torn or missing, so that what was told is told again and not lost. */
export async function readOomKills(folder: string): Promise<number> {
  const kills = Number(await readFile(path.join(folder, OOM), 'utf8').catch(() => ''));
  return Number.isSafeInteger(kills) ? kills : 0;
}

/** The ids of all containers that have a folder. */
export async function recordedIds(stateDir: StateDir): Promise<string[]> {
  return (await readdir(stateDir.containers)).sort();
}

/** The execs written down of a container, by name, in start order. */
export async function readExecs(folder: string): Promise<{ process: string; spec: ProcessSpec }[]> {
  const names = (await readdir(folder)).flatMap((name) => EXEC.exec(name)?.[1] ?? []);
  const execs = await Promise.all(
    names.map(async (process) => {
      try {
        const json = JSON.parse(await readFile(path.join(folder, `${process}.json`), 'utf8'));
        const { terminal, user, args, cwd, [ASKED_ENV]: env } = json;
        const spec = { terminal, user, args, env, cwd };
        return isProcessSpec(spec) ? [{ process, spec }] : [];
      } catch {
        return [];
      }
    }),
  );
  return execs.flat().sort((a, b) => numberOf(a.process) - numberOf(b.process));
}

const numberOf = (process: string): number => Number(process.slice('exec-'.length));
