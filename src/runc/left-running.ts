import { readdir, readFile } from 'node:fs/promises';
import { type HeldProcess, holdProcess } from '../linux/process-end.ts';
import { processStat } from '../linux/process-stat.ts';

const SIGKILL = 9;

/** Whether a command line is one of command.ts on this root: not a runc that somebody else runs on it. */
function isOurs(argv: readonly string[], root: string): boolean {
  const [flag, value, ...rest] = argv.slice(argv.indexOf('--root'));
  const format = rest[0] === '--log' ? rest.slice(2) : rest;
  return flag === '--root' && value === root && format[0] === '--log-format' && format[1] === 'json';
}

/** The processes that run a runc of a daemon on this root, but for the children of `exceptParent`. */
async function running(root: string, exceptParent: number): Promise<HeldProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const held = await Promise.all(
    pids.map(async (pid) => {
      const stat = processStat(pid);
      if (stat === undefined || stat.parentPid === exceptParent) return [];
      const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
      if (!isOurs(argv, root)) return [];
      return holdProcess(pid, stat.startTime) ?? [];
    }),
  );
  return held.flat();
}

/**
 * Waits for the runcs that a daemon before us left at work on this root, so that what they do is done before anybody
 * looks; those that take longer than `timeoutMs` are killed. Children of the shim are the shim's.
 */
export async function waitForLeftRunning(root: string, shimPid: number, timeoutMs: number): Promise<void> {
  const left = await running(root, shimPid);
  if (left.length === 0) return;
  const all = Promise.all(left.map(({ ended }) => ended));
  const timer = setTimeout(() => {
    for (const { signal } of left) {
      try {
        signal(SIGKILL);
      } catch {
        // It has ended meanwhile.
      }
    }
  }, timeoutMs);
  await all;
  clearTimeout(timer);
}
