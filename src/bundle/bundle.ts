import path from 'node:path';
import { ContainerdError, hostTrouble } from '../errors.ts';
import { LinkRefusedError, pinned } from '../linux/pin.ts';
import { readRegularFile } from '../linux/regular-file.ts';
import type { Inherited, ProcessSpec, User } from '../machines/messages.ts';

/** How deep it may be nested: the specification goes to 6, and what is nested without end takes seconds to parse. */
const MAX_DEPTH = 64;

/** More than a config.json ever needs, and little enough to parse at once. */
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

type Json = Record<string, unknown>;

/** What the daemon needs to know of a bundle's config.json (OCI runtime specification 1.0); null is what is not there. */
export type Bundle = {
  /** The bundle's own process. */
  process: ProcessSpec;
  /** What an exec takes from it. */
  inherited: Inherited;
  /** `root.readonly`: such a container cannot be restored from a checkpoint. */
  readonlyRoot: boolean;
  /** Whether there are `hooks`, programs of the host that the runtime runs when it starts the container. */
  hooks: boolean;
};

/**
 * Reads a bundle's config.json. `bundlePath` is absolute. Throws `bundleNotFound` where there is no such folder and
 * `bundleInvalid` where its config.json is missing, no regular file, too large, not JSON, or without a process.
 */
export async function readBundle(bundlePath: string): Promise<Bundle> {
  if (!(await isFolder(bundlePath))) throw new ContainerdError('bundleNotFound');
  const config = parse(await readConfig(path.join(bundlePath, 'config.json')));
  const processJson = record(config.process, 'process');
  const root = record(config.root ?? {}, 'root');
  const process = processOf(processJson);
  return {
    process,
    inherited: inheritedFrom(processJson, process),
    readonlyRoot: root.readonly === true,
    hooks: (config.hooks ?? null) !== null,
  };
}

async function isFolder(folder: string): Promise<boolean> {
  try {
    return await pinned(folder, { followLast: true }, async (_, stats) => stats.isDirectory());
  } catch (error) {
    refuseFor(error);
    return false;
  }
}

/** Throws where it is not the client's fault that nobody can tell, or a link is in the way. */
function refuseFor(error: unknown): void {
  if (error instanceof LinkRefusedError) throw invalid(error.message);
  const trouble = error instanceof Error && hostTrouble((error as NodeJS.ErrnoException).code, error);
  if (trouble) throw trouble;
}

function inheritedFrom(
  { terminal: _, consoleSize: __, user: ___, args: ____, env: _____, cwd: ______, ...process }: Json,
  { env }: ProcessSpec,
): Inherited {
  return { process, path: env.find((entry) => entry.startsWith('PATH=')) ?? '' };
}

async function readConfig(file: string): Promise<string> {
  try {
    return await pinned(file, { followLast: true }, (pin) => readRegularFile(pin, MAX_CONFIG_BYTES));
  } catch (error) {
    refuseFor(error);
    const { code, message } = error as NodeJS.ErrnoException;
    throw invalid(
      code === 'ENOENT'
        ? 'config.json: no such file or directory'
        : `config.json${code ? `: ${code}` : ` ${message}`}`,
    );
  }
}

function parse(text: string): Json {
  if (depthOf(text) > MAX_DEPTH) throw invalid(`config.json is nested more than ${MAX_DEPTH} deep`);
  try {
    return record(JSON.parse(text), 'config.json');
  } catch (error) {
    if (error instanceof ContainerdError) throw error;
    throw invalid(`config.json: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** How deep a JSON text is nested, by its brackets outside of strings; in one pass, as it may be anything. */
function depthOf(text: string): number {
  let [depth, deepest] = [0, 0];
  let isInString = false;
  for (let n = 0; n < text.length && deepest <= MAX_DEPTH; n++) {
    const character = text.charAt(n);
    if (character === '"') isInString = !isInString;
    else if (isInString) n += character === '\\' ? 1 : 0;
    else if (character === '[' || character === '{') deepest = Math.max(deepest, ++depth);
    else if (character === ']' || character === '}') depth -= 1;
  }
  return deepest;
}

function processOf(json: Json): ProcessSpec {
  const args = strings(json.args ?? [], 'process.args');
  if (args.length === 0) throw invalid('process.args is empty');
  return {
    terminal: json.terminal === true,
    user: userOf(record(json.user ?? {}, 'process.user')),
    args,
    env: strings(json.env ?? [], 'process.env'),
    cwd: typeof json.cwd === 'string' ? json.cwd : '/',
  };
}

function userOf(json: Json): User {
  const gids = json.additionalGids ?? [];
  if (!Array.isArray(gids)) throw invalid('process.user.additionalGids is not a list');
  return {
    uid: id(json.uid ?? 0, 'uid'),
    gid: id(json.gid ?? 0, 'gid'),
    additionalGids: gids.map((it) => id(it, 'gid')),
  };
}

function id(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value;
  throw invalid(`process.user: ${name} is out of range`);
}

function strings(value: unknown, name: string): string[] {
  if (Array.isArray(value) && value.every((it) => typeof it === 'string')) return value;
  throw invalid(`${name} is not a list of strings`);
}

function record(value: unknown, name: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw invalid(`${name} is not an object`);
}

const invalid = (why: string) => new ContainerdError('bundleInvalid', why);
