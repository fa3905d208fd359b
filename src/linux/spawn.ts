import { constants } from 'node:os';
import { SystemError } from './error.ts';
import { libc } from './libc.ts';

const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const POSIX_SPAWN_SETSID = 0x80;

/** Larger than any C library's sigset_t (128 bytes), posix_spawnattr_t (336) and posix_spawn_file_actions_t (80). */
const OPAQUE_BYTES = 1024;

const attrInit: (attributes: Buffer) => number = libc.func('int posix_spawnattr_init(void *attributes)');
const attrSetFlags: (attributes: Buffer, flags: number) => number = libc.func(
  'int posix_spawnattr_setflags(void *attributes, short flags)',
);
const attrSetDefault: (attributes: Buffer, set: Buffer) => number = libc.func(
  'int posix_spawnattr_setsigdefault(void *attributes, const void *set)',
);
const attrSetMask: (attributes: Buffer, set: Buffer) => number = libc.func(
  'int posix_spawnattr_setsigmask(void *attributes, const void *set)',
);
const actionsInit: (actions: Buffer) => number = libc.func(
  'int posix_spawn_file_actions_init(void *actions)',
);
const actionsDestroy: (actions: Buffer) => number = libc.func(
  'int posix_spawn_file_actions_destroy(void *actions)',
);
const actionsDup2: (actions: Buffer, fd: number, target: number) => number = libc.func(
  'int posix_spawn_file_actions_adddup2(void *actions, int fd, int target)',
);
const actionsChdir: (actions: Buffer, path: string) => number = libc.func(
  'int posix_spawn_file_actions_addchdir_np(void *actions, const char *path)',
);
const spawnp: (
  pid: number[],
  file: string,
  actions: Buffer,
  attributes: Buffer,
  argv: (string | null)[],
  env: (string | null)[],
) => number = libc.func(
  'int posix_spawnp(_Out_ int *pid, const char *file, void *actions, void *attributes, const char **argv, const char **env)',
);

/** posix_spawn(3) and its kin return the error and leave errno alone. */
function succeeded(syscall: string, errno: number, subject?: string): void {
  if (errno !== 0) {
    throw new SystemError(syscall, errno, subject);
  }
}

function cleanSlate(): Buffer {
  const attributes = Buffer.alloc(OPAQUE_BYTES);
  succeeded('posix_spawnattr_init', attrInit(attributes));
  // Not by sigfillset(3), which leaves out the C library's own two: posix_spawn would have those ignored.
  succeeded('posix_spawnattr_setsigdefault', attrSetDefault(attributes, Buffer.alloc(OPAQUE_BYTES, 0xff)));
  succeeded('posix_spawnattr_setsigmask', attrSetMask(attributes, Buffer.alloc(OPAQUE_BYTES)));
  const flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID;
  succeeded('posix_spawnattr_setflags', attrSetFlags(attributes, flags));
  return attributes;
}

const attributes = cleanSlate();

export type SpawnOptions = {
  /** A path, or a name to be looked for in this process's PATH. */
  file: string;
  /** All arguments, the program's own name first. */
  argv: readonly string[];
  /** The whole environment, as `NAME=value`. */
  env: readonly string[];
  cwd: string;
  /** The descriptors that become 0, 1 and 2 of the child. */
  stdio: readonly [number, number, number];
  /**
   * Makes the call itself, with what the child is to inherit: no more than that, as the C library takes a descriptor beyond
   * the present soft limit for none when it is told of it.
   */
  inherit?: <T>(start: () => T) => T;
};

const atOnce = <T>(start: () => T): T => start();

/**
 * Starts a program and returns its pid, without forking this process (vfork inside, about half a millisecond). It gets
 * the three descriptors and, as every other is close-on-exec here, no more; the default action for every signal and
 * none blocked; a session, so a process group, of its own. Limits, umask and oom_score_adj are this process's at that moment.
 * It is this process's to reap. Throws a `SystemError`: whatever fails in the child before its program runs is told too.
 */
export function posixSpawn({ file, argv, env, cwd, stdio, inherit = atOnce }: SpawnOptions): number {
  if ([file, cwd, ...argv, ...env].some((text) => text.includes('\0'))) {
    throw new SystemError('posix_spawn', constants.errno.EINVAL, file);
  }
  const actions = Buffer.alloc(OPAQUE_BYTES);
  succeeded('posix_spawn_file_actions_init', actionsInit(actions));
  try {
    stdio.forEach((fd, target) => {
      succeeded('posix_spawn_file_actions_adddup2', actionsDup2(actions, fd, target));
    });
    succeeded('posix_spawn_file_actions_addchdir_np', actionsChdir(actions, cwd));
    const pid = [0];
    const start = () => spawnp(pid, file, actions, attributes, [...argv, null], [...env, null]);
    succeeded('posix_spawn', inherit(start), file);
    return pid[0] ?? 0;
  } finally {
    actionsDestroy(actions);
  }
}
