import { parentPort, workerData } from 'node:worker_threads';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { createKernelFiles } from './cgroup/kernel-files.ts';
import { createNetworks } from './cgroup/networks.ts';
import { createSampler, type Sampler } from './cgroup/sampler.ts';
import { type ThreadData, type ToThread, writeSampled } from './cgroup/thread-messages.ts';

/**
 * The thread that takes samples, so that the daemon's own does not wait for the kernel. It reads one file after the
 * other: by libuv's threads, or by promises, the same reads cost five and thirty times as much.
 */

/** How many samples are told at a time: enough to be cheap, few enough for the daemon to do other things in between. */
const BATCH = 64;

const { maxOpenFiles } = workerData as ThreadData;
const files = createKernelFiles(maxOpenFiles);
const networks = createNetworks(files);
const samplers = new Map<number, Sampler>();
const writer = new BinaryWriter();

parentPort?.on('message', (message: ToThread) => {
  switch (message.type) {
    case 'watch':
      samplers.set(message.key, createSampler(message.subject, files, networks));
      break;
    case 'forget':
      samplers.get(message.key)?.close();
      samplers.delete(message.key);
      break;
    case 'sample':
      networks.next();
      for (let start = 0; start < message.keys.length; start += BATCH) {
        for (const key of message.keys.slice(start, start + BATCH))
          writeSampled(writer, key, (it) => samplers.get(key)?.sample(it));
        const bytes = writer.finish();
        // Handed over rather than copied, which takes several times as long.
        parentPort?.postMessage(bytes, [bytes.buffer]);
      }
  }
});
