import { access } from 'node:fs/promises';
import { isShortage } from '../errors.ts';
import type { StateDir } from './state-dir.ts';

/**
 * Containers of a former daemon that could not be taken up. They go on, and no container is there for them here: one that was
 * made with the name of one of them, and failed, would have it removed as what is left of itself.
 */
export class LeftAlone {
  readonly #stateDir: StateDir;
  readonly #ids = new Set<string>();
  #isAll = false;

  constructor(stateDir: StateDir) {
    this.#stateDir = stateDir;
  }

  add(id: string): void {
    this.#ids.add(id);
  }

  /** Nothing could be taken up, and nobody knows of what. */
  addAll(): void {
    this.#isAll = true;
  }

  /** Whether one of that name is there still. Throws where the host has nothing to look with. */
  async has(id: string): Promise<boolean> {
    if (!this.#isAll && !this.#ids.has(id)) return false;
    try {
      await access(this.#stateDir.container(id));
      return true;
    } catch (error) {
      if (isShortage(error)) throw error;
      this.#ids.delete(id);
      return false;
    }
  }
}
