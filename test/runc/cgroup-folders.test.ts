import { expect, it } from 'vitest';
import { cgroupFolders } from '../../src/runc/cgroup-folders.ts';

const V1 = [
  '30 24 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755',
  '31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
  '32 30 0:28 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory',
  '33 30 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd',
];
const BESIDE_V1 = '34 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw';
const V2 = ['30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw'];

it.each([
  [
    'below runc’s own of v1',
    V1,
    ['3:memory:/daemon', '2:cpu,cpuacct:/', '1:name=systemd:/daemon'],
    ['/memory/daemon/box', '/cpu,cpuacct/box', '/systemd/daemon/box'],
  ],
  [
    'in the v2 that is beside v1 as well',
    [...V1, BESIDE_V1],
    ['3:memory:/daemon', '0::/daemon'],
    ['/memory/daemon/box', '/unified/daemon/box'],
  ],
  ['beside runc’s own of v2', V2, ['0::/services/daemon'], ['/services/box']],
  ['below the root of v2, if runc is there', V2, ['0::/'], ['/box']],
  [
    'below what is mounted of v1',
    ['32 30 0:28 /host /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory'],
    ['3:memory:/host/daemon'],
    ['/memory/daemon/box'],
  ],
])('the cgroups of a container of which runc has written down nothing are %s', (_, mounts, own, folders) => {
  const text = (lines: string[]) => lines.map((line) => `${line}\n`).join('');
  expect(cgroupFolders('box', text(own), text(mounts))).toEqual(
    folders.map((folder) => `/sys/fs/cgroup${folder}`),
  );
});
