import { setWindowSize, type WindowSize, windowSize } from '../../linux/terminal.ts';

/** The kernel tells only a terminal's own processes that its size has changed; we have to look. */
const LOOK_EVERY_MS = 500;

type Followed = { leader: number; follower: number; size: WindowSize };

const followed = new Set<Followed>();
let timer: NodeJS.Timeout | undefined;

/**
 * Gives one terminal the size of another, now and whenever the other's changes, until the function returned is called.
 * A size set by somebody else stays until then. A leader that has hung up is followed no more.
 */
export function followWindowSize(leader: number, follower: number): () => void {
  const size = windowSize(leader);
  setWindowSize(follower, size);
  const entry = { leader, follower, size };
  followed.add(entry);
  timer ??= setInterval(look, LOOK_EVERY_MS);
  return () => unfollow(entry);
}

function look(): void {
  for (const entry of followed) {
    try {
      const { width, height } = windowSize(entry.leader);
      if (width !== entry.size.width || height !== entry.size.height) {
        entry.size = { width, height };
        setWindowSize(entry.follower, entry.size);
      }
    } catch {
      unfollow(entry);
    }
  }
}

function unfollow(entry: Followed): void {
  followed.delete(entry);
  if (followed.size === 0) {
    clearInterval(timer);
    timer = undefined;
  }
}
