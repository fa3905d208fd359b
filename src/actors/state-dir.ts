import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';

const OTHERS_WRITE = 0o022;

/** Where a daemon keeps what it must find again; all of it is the daemon's alone. */
export type StateDir = {
  root: string;
  /** runc's own root. */
  runc: string;
  /** Held by the daemon that uses this state dir. */
  lock: string;
  shimSocket: string;
  journal: string;
  /** Of which boot of the host all of it is. */
  boot: string;
  /** How many containers have been started. */
  starts: string;
  containers: string;
  /** Sockets on which runc hands terminals over. */
  console: string;
  /** Everything about one container; gone with it. */
  container(id: string): string;
  /** A new path, short enough for a unix socket (unix(7): 108 bytes), for runc to send a terminal to. */
  newConsoleSocket(): string;
};

export function stateDirAt(root: string): StateDir {
  let sockets = 0;
  const containers = path.join(root, 'containers');
  return {
    root,
    runc: path.join(root, 'runc'),
    lock: path.join(root, 'lock'),
    shimSocket: path.join(root, 'shim.sock'),
    journal: path.join(root, 'events.jsonl'),
    boot: path.join(root, 'boot'),
    starts: path.join(root, 'starts.json'),
    containers,
    console: path.join(root, 'console'),
    // `path.join` would look at each character of what is known to be a path and a name.
    container: (id) => `${containers}/${id}`,
    newConsoleSocket: () => path.join(root, 'console', `${process.pid}-${++sockets}`),
  };
}

/**
 * Makes the folders that a daemon needs; others may pass through the root, not look into it. Throws where one is there
 * in which others can write: whatever it says could be theirs.
 */
export async function makeStateDir({ root, runc, containers, console }: StateDir): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o711 });
  const { uid, mode } = await stat(root);
  const isOurs = uid === process.geteuid?.() && (mode & OTHERS_WRITE) === 0;
  if (!isOurs) throw new Error(`others can write in the state dir ${root}: give it to root, with mode 0711`);
  for (const folder of [runc, containers, console]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
}
