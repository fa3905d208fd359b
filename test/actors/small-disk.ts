import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own that holds so much and no more. */
export class SmallDisk {
  readonly path = mkdtempSync(join(tmpdir(), 'disk-'));

  constructor(bytes: number) {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `mode=0711,size=${bytes}`, 'tmpfs', this.path]);
  }

  /** Takes all the room that is left. */
  fill(): void {
    try {
      for (;;) writeFileSync(join(this.path, 'ballast'), Buffer.alloc(4096), { flag: 'a' });
    } catch {
      // It is full.
    }
  }

  /** Has room for more. */
  grow(bytes: number): void {
    execFileSync('mount', ['-o', `remount,size=${bytes}`, this.path]);
  }

  /** Gives the room back. */
  free(): void {
    rmSync(join(this.path, 'ballast'), { force: true });
  }

  remove(): void {
    // Lazily: whoever still has a file open there keeps it, and nobody else sees it.
    execFileSync('umount', ['--lazy', this.path]);
    rmdirSync(this.path);
  }
}
