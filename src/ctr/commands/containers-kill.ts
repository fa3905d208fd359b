import { constants } from 'node:os';
import type { Command } from 'commander';
import { integerFlag, valueFlag } from '../../cli/flags.ts';
import type { Take } from '../job.ts';
import { parseSignal } from '../signal-number.ts';

type Flags = { pid: number; signal: number };

const { SIGTERM } = constants.signals;
const MAX_PID = 2 ** 32 - 1;

/** `ctr containers kill`. */
export function addContainersKill(group: Command, take: Take): void {
  const kill = group
    .command('kill')
    .description("send a signal to a container or it's processes")
    .arguments('<id>');
  kill.addOption(
    integerFlag('--pid, -p', 'pid of the process to signal within the container', {
      value: 0,
      min: 0,
      max: MAX_PID,
    }),
  );
  kill.addOption(
    valueFlag(
      '--signal, -s',
      'signal to send to the container',
      { value: SIGTERM, shown: String(SIGTERM) },
      parseSignal,
    ),
  );
  kill.action((id: string, { pid, signal }: Flags) => {
    take(async ({ daemon }) => {
      // Pid 0 is init to the daemon too. A signal may have to wait for a checkpoint, or for runc to thaw the container.
      await daemon.ask(daemon.client.signal, { id, pid, signal }, { patient: true });
      return 0;
    });
  });
}
