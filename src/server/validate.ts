import path from 'node:path';
import { ContainerdError } from '../errors.ts';

/** What a client sends is hostile until it has passed here; nothing on disk is touched before. */

const NAME = /^[A-Za-z0-9_.+-]{1,255}$/;
/** Linux has signals 1 to 64 (signal(7)); 0 only asks whether the process is there. */
const MAX_SIGNAL = 64;
/** PATH_MAX of linux/limits.h, its NUL included. */
const PATH_MAX_BYTES = 4096;
/** (uid_t) -1 means "leave as it is" to setresuid(2). */
const NO_ID = 0xffff_ffff;

const invalid = (detail: string) => new ContainerdError('invalidArgument', detail);

/** What is shown of a client's own words in an error: enough to recognise, never megabytes. */
const begin = (text: string): string => text.replace(/^(.{64}).+$/su, '$1…');
const shown = (text: string): string => JSON.stringify(begin(text));

/** A container's id: it becomes a folder's name, so it is letters, digits, `_`, `.`, `-`, `+`, up to 255 bytes. */
export function checkId(id: string): string {
  if (!NAME.test(id) || id === '.' || id === '..') throw invalid(`container id ${shown(id)} is not valid`);
  return id;
}

/** A checkpoint's name, by the same rule. */
export function checkCheckpointName(name: string): string {
  if (name === '') throw new ContainerdError('checkpointNameEmpty');
  if (!NAME.test(name) || name === '.' || name === '..') {
    throw invalid(`checkpoint name ${shown(name)} is not valid`);
  }
  return name;
}

/** A bundle's path, normalised: it must be absolute. */
export function checkBundlePath(bundlePath: string): string {
  if (bundlePath === '') throw new ContainerdError('bundlePathEmpty');
  const normal = path.posix.normalize(checkPath(bundlePath, 'bundle path'));
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

/** A path for stdio or a console, as it is: what `..` leads to is for the kernel to say. Empty stays empty. */
export function checkStdioPath(stdioPath: string, name: string): string {
  return stdioPath === '' ? '' : checkPath(stdioPath, name);
}

function checkPath(given: string, name: string): string {
  checkNoNul(given, name);
  if (Buffer.byteLength(given) >= PATH_MAX_BYTES)
    throw invalid(`${name} is longer than ${PATH_MAX_BYTES - 1} bytes`);
  if (!path.posix.isAbsolute(given)) throw invalid(`${name} ${shown(given)} is not absolute`);
  return given;
}

/** A signal's number. */
export function checkSignal(signal: number): number {
  if (signal > MAX_SIGNAL) throw new ContainerdError('unknownSignal', String(signal));
  return signal;
}

/** The status asked of a container. */
export function checkStatus(status: string): '' | 'running' | 'paused' {
  if (status === '' || status === 'running' || status === 'paused') return status;
  throw new ContainerdError('unknownStatus', begin(status));
}

/** A uid or gid. */
export function checkUserId(id: number, name: string): number {
  if (id === NO_ID) throw invalid(`${name} ${id} is out of range`);
  return id;
}

/** What a program is given: no NUL fits into an argument or a variable. */
export function checkNoNul(text: string, name: string): string {
  if (text.includes('\0')) throw invalid(`${name} holds a NUL byte`);
  return text;
}

/** A variable of the environment: `NAME=value`. */
export function checkEnv(entry: string): string {
  if (checkNoNul(entry, 'env').indexOf('=') < 1) throw invalid(`env entry ${shown(entry)} is not NAME=value`);
  return entry;
}
