import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for programs of a few lines that stand in for runc. */
export class Scripts {
  readonly folder = mkdtempSync(join(tmpdir(), 'runc-'));
  #count = 0;

  /** The path of a shell script; `$folder` in it is this folder. */
  write(text: string): string {
    this.#count += 1;
    const path = join(this.folder, `runc-${this.#count}`);
    writeFileSync(path, `#!/bin/sh\nfolder=${this.folder}\n${text}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  /** What a script before has written is not taken for what the next one writes. */
  forget(name: string): void {
    rmSync(join(this.folder, name), { force: true });
  }

  /** What a script has written to a file of that name. */
  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
