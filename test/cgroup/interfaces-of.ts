import { readlinkSync } from 'node:fs';
import { createKernelFiles } from '../../src/cgroup/kernel-files.ts';
import { createNetworks } from '../../src/cgroup/networks.ts';
import { Stats } from '../../src/generated/messages/api.ts';

/** Prints the interfaces of a process by its pid and start time, of which it must not be able to look at the namespace. */
const [pid = '', startTime = ''] = process.argv.slice(2);
let mayLook = true;
try {
  readlinkSync(`/proc/${pid}/ns/net`);
} catch {
  mayLook = false;
}
if (mayLook) throw new Error('the namespace can be looked at');
const network = createNetworks(createKernelFiles(1)).of({ pid: Number(pid), startTime });
const { network_stats } = Stats.decode(network.stats());
process.stdout.write(network_stats.map(({ name }) => name).join(' '));
