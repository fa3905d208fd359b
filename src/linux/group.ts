import koffi from 'koffi';
import { libc } from './libc.ts';

const Group = koffi.struct('group', { name: 'char *', password: 'char *', gid: 'uint32', members: 'void *' });
const getgrnam: (name: string) => unknown = libc.func('group *getgrnam(const char *name)');

/** The id of a group by its name, wherever the host keeps its groups (getgrnam(3)); undefined where there is none. */
export function groupId(name: string): number | undefined {
  const found = getgrnam(name);
  return found === null ? undefined : (koffi.decode(found, Group) as { gid: number }).gid;
}
