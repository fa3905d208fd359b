import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** Where a runc puts a container of whose cgroup the bundle says nothing, and where the runc itself is. */

/** All cgroups are v2 where that is mounted here, for runc as well. */
const CGROUP_ROOT = '/sys/fs/cgroup';

/** The cgroups of a process, as folders; none of one that is gone. */
export async function cgroupsOf(pid: number): Promise<string[]> {
  const texts = await textsOf(pid).catch(({ code }: NodeJS.ErrnoException) => {
    if (code !== 'ENOENT' && code !== 'ESRCH')
      throw new Error(`the cgroups of ${pid} cannot be read: ${code}`);
  });
  return texts === undefined ? [] : placesIn(...texts).map(({ mount, folder }) => below(mount, folder));
}

/** Where the container of this id would be, of a runc whose parent this process is. */
export async function cgroupsNamed(id: string, runcsParent: number): Promise<string[]> {
  return cgroupFolders(id, ...(await textsOf(runcsParent)));
}

const textsOf = (pid: number): Promise<[string, string]> =>
  Promise.all([readFile(`/proc/${pid}/cgroup`, 'utf8'), readFile(`/proc/${pid}/mountinfo`, 'utf8')]);

/**
 * Where runc puts a container whose bundle names no cgroup, by /proc/<pid>/cgroup and mountinfo of its parent: below its
 * own cgroups, under the container's id, in a v2 that is beside v1 ("hybrid") as well. Where all is v2, a cgroup that has
 * processes of its own could not have it below; there it is beside runc's own (libcontainer fs2/defaultpath.go).
 */
export const cgroupFolders = (id: string, cgroup: string, mountinfo: string): string[] =>
  placesIn(cgroup, mountinfo).map(({ mount, folder, all }) =>
    below(mount, all ? path.dirname(folder) : folder, id),
  );

type CgroupMount = { root: string; point: string; controllers: Set<string> };

/** A cgroup of a process, and where that is mounted; `all` where every cgroup is v2. */
type Place = { mount: CgroupMount; folder: string; all: boolean };

function placesIn(cgroup: string, mountinfo: string): Place[] {
  const mounts = cgroupMounts(mountinfo);
  const unified = mounts.find(({ point, controllers }) => point === CGROUP_ROOT && controllers.has(''));
  return cgroup.split('\n').flatMap((line): Place[] => {
    const [, controllers, folder] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || folder === undefined) return [];
    if (unified !== undefined) return controllers === '' ? [{ mount: unified, folder, all: true }] : [];
    return mounts
      .filter((mount) => controllers.split(',').some((it) => mount.controllers.has(it)))
      .map((mount) => ({ mount, folder, all: false }));
  });
}

const below = ({ root, point }: CgroupMount, folder: string, name = ''): string =>
  path.join(point, path.relative(root, folder), name);

/** The cgroup file systems of /proc/<pid>/mountinfo (proc(5)); v2 has the one controller with the empty name. */
function cgroupMounts(mountinfo: string): CgroupMount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root = '', point = ''] = before.split(' ');
    const [type, , options = ''] = after.split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') return [];
    return [{ root, point, controllers: new Set(type === 'cgroup2' ? [''] : options.split(',')) }];
  });
}
