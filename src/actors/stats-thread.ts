import { Worker } from 'node:worker_threads';
import { readSampled, type ThreadData } from '../cgroup/thread-messages.ts';
import { descriptorLimit } from '../linux/rlimit.ts';
import { readStateFile } from '../runc/state-file.ts';
import type { StatsOptions } from './stats.ts';

/** Where a container's numbers are: runc has written down its cgroups. */
export const findSubject =
  (runcRoot: string): StatsOptions['find'] =>
  async ({ id, pid, startTime }) => {
    const state = await readStateFile(runcRoot, id);
    return state && { cgroupPaths: state.cgroupPaths, pid, startTime };
  };

/** For clients, and for whatever else the daemon holds; half of its descriptors where that is less. */
const OTHER_DESCRIPTORS = 2048;

/** Starts threads of the program given, which is src/containerd-stats.ts as the build bundles it. */
export const statsThread =
  (program: URL): StatsOptions['startThread'] =>
  (onSampled, onFailed) => {
    const limit = Number(descriptorLimit().soft);
    const workerData: ThreadData = {
      maxOpenFiles: limit - Math.min(Math.ceil(limit / 2), OTHER_DESCRIPTORS),
    };
    const worker = new Worker(program, { workerData });
    worker.on('message', (bytes: Uint8Array) => onSampled(readSampled(bytes)));
    // An error is followed by the end; only the first of them counts.
    let ended = false;
    const end = () => {
      ended = true;
      worker.removeAllListeners('message');
      // Its descriptors are closed with it (`trackUnmanagedFds` of worker_threads).
      void worker.terminate();
    };
    const failed = (error: Error) => {
      if (ended) return;
      end();
      onFailed(error);
    };
    worker.on('error', failed);
    worker.on('exit', (code) => failed(new Error(`the thread that takes samples ended with ${code}`)));
    return { post: (message) => worker.postMessage(message), end };
  };
