import { closeSync, watch } from 'node:fs';
import { type FileHandle, open, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { readNow } from '../linux/descriptor.ts';
import { createEventfd } from '../linux/eventfd.ts';
import { watchFd } from '../linux/watch.ts';
import { type CgroupPaths, isUnified } from './control-files.ts';
import { parseCounters } from './counters.ts';
import { isGone } from './kernel-files.ts';

/** What the kernel has killed in a cgroup for want of memory. It counts before it kills, from the cgroup's beginning. */

/** The file with the count: memory.oom_control of v1 (Linux 4.13), memory.events of v2; undefined without the controller. */
function counterOf(paths: CgroupPaths): string | undefined {
  const folder = isUnified(paths) ? paths[''] : paths.memory;
  return folder && path.join(folder, isUnified(paths) ? 'memory.events' : 'memory.oom_control');
}

/** How many processes the kernel has killed there; 0 where the cgroup is gone, or nobody counts. */
export async function countOomKills(paths: CgroupPaths): Promise<number> {
  const file = counterOf(paths);
  if (file === undefined) return 0;
  try {
    return Number(parseCounters(await readFile(file, 'latin1')).oom_kill ?? 0n);
  } catch (error) {
    if (isGone(error)) return 0;
    throw error;
  }
}

/**
 * When the count is looked at after the kernel has said something. v1 does so before it has chosen what to kill, if it
 * kills at all; and v2 says as much up to a hundred times a second of a cgroup that is short of memory.
 */
const LOOKS_AFTER_MS = [10, 100, 400, 1600];

/**
 * Calls back with the count once it is above 0, and whenever it has risen, until the function that this resolves with is
 * called; `onTrouble` if it can no longer be read. One watch costs a descriptor of v1, none of v2 beyond the one inotify
 * of the process.
 */
export async function watchOomKills(
  paths: CgroupPaths,
  onKills: (kills: number) => void,
  onTrouble: (error: unknown) => void,
): Promise<() => void> {
  const closed = new AbortController();
  const { signal } = closed;
  let told = 0;
  let said = 0;
  let looks = 0;
  let looking = false;

  async function look(): Promise<void> {
    for (let afterMs = LOOKS_AFTER_MS[looks]; afterMs !== undefined; afterMs = LOOKS_AFTER_MS[looks]) {
      looks++;
      await setTimeout(afterMs, undefined, { signal, ref: false });
      const before = said;
      const kills = await countOomKills(paths);
      signal.throwIfAborted();
      if (kills <= told) continue;
      told = kills;
      if (said === before) looks = LOOKS_AFTER_MS.length;
      onKills(kills);
    }
  }
  const onSaid = (): void => {
    said++;
    looks = looking ? Math.min(looks, 1) : 0;
    if (looking) return;
    looking = true;
    look()
      .catch((error: unknown) => {
        if (!signal.aborted) onTrouble(error);
      })
      .finally(() => {
        looking = false;
      });
  };

  const stop = await listen(paths, onSaid);
  // What has happened before.
  onSaid();
  return () => {
    closed.abort();
    stop();
  };
}

/** Calls back when the kernel says something of the cgroup's memory; returns how to end that. */
async function listen(paths: CgroupPaths, onSaid: () => void): Promise<() => void> {
  const file = counterOf(paths);
  if (file === undefined) return () => {};
  try {
    return isUnified(paths) ? listenV2(file, onSaid) : await listenV1(file, onSaid);
  } catch (error) {
    if (isGone(error)) return () => {};
    throw error;
  }
}

/** An eventfd that is registered with the file (cgroup-v1/memory.rst, "OOM Control"). */
async function listenV1(file: string, onSaid: () => void): Promise<() => void> {
  const control = await open(file);
  try {
    return await listenOn(control, path.dirname(file), onSaid);
  } finally {
    await control.close();
  }
}

async function listenOn({ fd }: FileHandle, folder: string, onSaid: () => void): Promise<() => void> {
  const eventfd = createEventfd();
  try {
    await writeFile(path.join(folder, 'cgroup.event_control'), `${eventfd} ${fd}`);
    const counter = new Uint8Array(8);
    const watched = watchFd(eventfd, { readable: true }, () => {
      readNow(eventfd, counter);
      onSaid();
    });
    return () => {
      watched.close();
      closeSync(eventfd);
    };
  } catch (error) {
    closeSync(eventfd);
    throw error;
  }
}

/** The kernel marks the file as modified for inotify (cgroup-v2.rst, "memory.events"). */
function listenV2(file: string, onSaid: () => void): () => void {
  const watcher = watch(file, { persistent: false }, onSaid);
  watcher.on('error', () => watcher.close());
  return () => watcher.close();
}
