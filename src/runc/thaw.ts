import { type Runc, resume } from './runc.ts';
import { readFreezer, readStateFile, writeThawed } from './state-file.ts';

/** What the freezer says of a container; undefined where nobody knows. */
export async function freezerOf(root: string, id: string) {
  const state = await readStateFile(root, id).catch(() => undefined);
  return state && readFreezer(state.cgroupPaths);
}

/**
 * Thaws a container. Where runc does not, the freezer itself is told to: a frozen process could not even be killed
 * (cgroup v1). Throws what runc failed with where that is of no use either.
 */
export async function thaw(runc: Runc, id: string): Promise<void> {
  const failed = await resume(runc, id).then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  const state = await readStateFile(runc.root, id).catch(() => undefined);
  const freezer = state && (await readFreezer(state.cgroupPaths));
  if (freezer === 'thawed') return;
  if (state !== undefined && freezer !== undefined) {
    await writeThawed(state.cgroupPaths);
    return;
  }
  if (failed) throw failed.error;
}
