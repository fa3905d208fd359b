import { readdir, readFile, readlink } from 'node:fs/promises';
import { geteuid } from 'node:process';
import { type HeldProcess, holdProcess } from '../linux/process-end.ts';
import { processStat } from '../linux/process-stat.ts';
import { atMost } from '../patience.ts';

/** How long one that was killed may take to end. One that is frozen, or in an uninterruptible sleep, may never. */
const DEATH_TIMEOUT_MS = 5_000;

/** Whether a command line is one of command.ts on this root: not a runc that somebody else runs on it. */
function isOnRoot(argv: readonly string[], root: string): boolean {
  const [flag, value, ...rest] = argv.slice(argv.indexOf('--root'));
  const format = rest[0] === '--log' ? rest.slice(2) : rest;
  return flag === '--root' && value === root && format[0] === '--log-format' && format[1] === 'json';
}

/** Whether it was run by a daemon as we are: its command line anybody can have, and what runs in a container too. */
async function isLikeUs(pid: number): Promise<boolean> {
  const [status, namespace, own] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    readlink(`/proc/${pid}/ns/pid`),
    readlink('/proc/self/ns/pid'),
  ]);
  const [, real, effective] = /^Uid:\t(\d+)\t(\d+)/m.exec(status) ?? [];
  return namespace === own && [real, effective].every((uid) => Number(uid) === geteuid?.());
}

/** The processes that run a runc of a daemon on this root, but for the children of `exceptParent`. */
async function running(root: string, exceptParent: number): Promise<(HeldProcess & { pid: number })[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const stat = processStat(pid);
      if (stat === undefined || stat.parentPid === exceptParent) return [];
      const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
      const isOurs = isOnRoot(argv, root) && (await isLikeUs(pid).catch(() => false));
      return isOurs ? { pid, startTime: stat.startTime } : [];
    }),
  );
  const held: (HeldProcess & { pid: number })[] = [];
  try {
    for (const { pid, startTime } of found.flat()) {
      const it = holdProcess(pid, startTime);
      if (it !== undefined) held.push({ ...it, pid });
    }
    return held;
  } catch (error) {
    for (const { release } of held) release();
    throw error;
  }
}

/**
 * Waits for the runcs that a daemon before us left at work on this root, so that what they do is done before anybody
 * looks; those that take longer than `timeoutMs` are killed. Children of the shim are the shim's. Gives the pids of those
 * that the kernel does not let end, which are waited for no longer.
 */
export async function waitForLeftRunning(
  root: string,
  shimPid: number,
  { timeoutMs, deathTimeoutMs = DEATH_TIMEOUT_MS }: { timeoutMs: number; deathTimeoutMs?: number },
): Promise<number[]> {
  const left = new Set(await running(root, shimPid));
  const ends = [...left].map((it) => it.ended.then(() => left.delete(it)));
  const allEnded = Promise.all(ends).then(() => {});
  await atMost(timeoutMs, allEnded);
  for (const { kill } of left) kill();
  await atMost(deathTimeoutMs, allEnded);
  for (const { release } of left) release();
  return Array.from(left, ({ pid }) => pid);
}
