import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A folder with nothing of the repository but one script, and that script's programs. */
export class Checkout {
  private constructor(
    private readonly folder: string,
    private readonly script: string,
  ) {}

  /** `tools` are those in /usr/bin that the script finds; no apt unless it is named. */
  static async of(script: string, tools: readonly string[]): Promise<Checkout> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'checkout-'));
    const own = new Checkout(folder, script);
    await mkdir(own.bin);
    await mkdir(path.join(folder, 'scripts'));
    const source = fileURLToPath(new URL(`../../scripts/${script}`, import.meta.url));
    await cp(source, path.join(folder, 'scripts', script));
    for (const tool of tools) await symlink(path.join('/usr/bin', tool), path.join(own.bin, tool));
    return own;
  }

  /** The folder that is the PATH. */
  get bin(): string {
    return path.join(this.folder, 'bin');
  }

  /** Puts a program into one of its folders, beside `bin` if need be. */
  async add(file: string, text: string): Promise<void> {
    await mkdir(path.join(this.folder, path.dirname(file)), { recursive: true });
    await writeFile(path.join(this.folder, file), `#!/bin/bash\n${text}\n`, { mode: 0o755 });
  }

  run(...args: string[]): Promise<{ status: number; stderr: string }> {
    return new Promise((resolve) => {
      const file = path.join(this.folder, 'scripts', this.script);
      execFile(file, args, { env: { PATH: this.bin } }, (error, _, stderr) =>
        resolve({ status: Number(error?.code ?? 0), stderr }),
      );
    });
  }

  /** What the script has made in it, by path. */
  async made(): Promise<string[]> {
    const names = await readdir(this.folder, { recursive: true });
    return names.filter((name) => !/^(s?bin|scripts)\b/.test(name)).toSorted();
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true });
  }
}
