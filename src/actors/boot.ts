import { open, readFile, rename } from 'node:fs/promises';
import type { StateDir } from './state-dir.ts';

/**
 * Which boot of the host a state dir is of. A pid and the clock tick at which it began say who a process is, but for one
 * boot alone: in the next one a service may well begin at the same tick with the same pid.
 */
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/** The id of this boot. */
export const bootId = (): Promise<string> => readFile(BOOT_ID, 'utf8').then((text) => text.trim());

/** Whether the host has restarted since a daemon last noted the boot here: no process of then can be there. */
export async function isOfFormerBoot({ boot }: StateDir): Promise<boolean> {
  const noted = await readFile(boot, 'utf8').catch(() => '');
  return noted !== '' && noted !== (await readFile(BOOT_ID, 'utf8'));
}

/** Notes that what is in the state dir is of this boot. */
export async function noteBoot({ boot }: StateDir): Promise<void> {
  const text = await readFile(BOOT_ID, 'utf8');
  if ((await readFile(boot, 'utf8').catch(() => '')) === text) return;
  // An empty one would say nothing: it is whole or not there, whenever the power fails.
  const handle = await open(`${boot}.new`, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${boot}.new`, boot);
}
