import type { Command } from 'commander';
import { CliError } from '../../cli/error.ts';
import { boolFlag, integerFlag, listFlag, stringFlag } from '../../cli/flags.ts';
import { NO_STDIO, type Stdio } from '../attach/ends.ts';
import type { AskOptions } from '../daemon.ts';
import type { Session, Take } from '../job.ts';

type Flags = {
  id: string;
  attach: boolean;
  cwd: string;
  tty: boolean;
  env: string[];
  uid: number;
  gid: number;
};
type Exec = Omit<Flags, 'attach'> & { args: string[] };

const MAX_ID = 2 ** 32 - 1;

/** `ctr containers exec`. What follows the options is a program and its arguments, dashes and all. */
export function addContainersExec(group: Command, take: Take): void {
  const exec = group
    .command('exec')
    .description('exec another process in an existing container')
    .arguments('<args...>')
    .passThroughOptions();
  exec.addOption(stringFlag('--id', 'container id to add the process to'));
  exec.addOption(boolFlag('--attach, -a', 'connect to the stdio of the container'));
  exec.addOption(stringFlag('--cwd', 'current working directory for the process'));
  exec.addOption(boolFlag('--tty, -t', 'create a terminal for the process'));
  exec.addOption(listFlag('--env, -e', 'environment variables for the process'));
  exec.addOption(integerFlag('--uid, -u', 'user id of the user for the process', ID));
  exec.addOption(integerFlag('--gid, -g', 'group id of the user for the process', ID));
  exec.action((args: string[], { attach, ...flags }: Flags) => {
    if (flags.id === '') throw new CliError('container id cannot be empty: say which by --id');
    const wanted = { ...flags, args };
    take(attach ? (session) => execAttached(session, wanted) : (session) => execDetached(session, wanted));
  });
}

const ID = { value: 0, min: 0, max: MAX_ID } as const;

const request = async (
  { daemon }: Session,
  { id, args, cwd, env, tty, uid, gid }: Exec,
  stdio: Stdio,
  options: AskOptions,
) => {
  const user = { uid, gid, additionalGids: [] };
  const message = { id, args, cwd, env, terminal: tty, user, ...stdio };
  const { pid } = await daemon.ask(daemon.client.addProcess, message, options);
  return pid;
};

async function execDetached(session: Session, exec: Exec): Promise<number> {
  await request(session, exec, NO_STDIO, { patient: true });
  return 0;
}

async function execAttached(session: Session, exec: Exec): Promise<number> {
  const { attach } = await import('../attach/attach.ts');
  return attach(session, {
    id: exec.id,
    what: `a process of ${exec.id}`,
    terminal: exec.tty,
    launch: (stdio, signal) => request(session, exec, stdio, { patient: true, signal }),
  });
}
