import type { Command } from 'commander';
import { DEFAULT_ADDRESS, parseAddress } from '../cli/address.ts';
import { CliError } from '../cli/error.ts';
import { boolFlag, valueFlag } from '../cli/flags.ts';
import { addHelpCommand, complaintOf, createProgram, type Ending } from '../cli/program.ts';
import { addCheckpointsCreate } from './commands/checkpoints-create.ts';
import { addCheckpointsDelete } from './commands/checkpoints-delete.ts';
import { addCheckpointsList } from './commands/checkpoints-list.ts';
import { addContainersExec } from './commands/containers-exec.ts';
import { addContainersKill } from './commands/containers-kill.ts';
import { addContainersList } from './commands/containers-list.ts';
import { addContainersStart } from './commands/containers-start.ts';
import { addContainersStats } from './commands/containers-stats.ts';
import { addEvents } from './commands/events.ts';
import { addHistory } from './commands/history.ts';
import { addTree } from './commands/tree.ts';
import { addWatch } from './commands/watch.ts';
import type { AddCommand, Job, Take } from './job.ts';

/** A command to be run, and the global flags. */
export type Invocation = { job: Job; address: string; debug: boolean };

/** A group of commands does what its list does where none of them is named. */
function addGroup(program: Command, name: string, usage: string, commands: AddCommand[], take: Take): void {
  const group = program.command(name).description(usage);
  for (const add of commands) add(group, take);
  addHelpCommand(group);
}

const CHECKPOINTS = [addCheckpointsList, addCheckpointsCreate, addCheckpointsDelete];
const CONTAINERS = [
  addContainersList,
  addContainersStart,
  addContainersKill,
  addContainersExec,
  addContainersStats,
];

function addCommands(program: Command, take: Take): void {
  addGroup(program, 'checkpoints', 'list all checkpoints', CHECKPOINTS, take);
  addGroup(program, 'containers', 'interact with running containers', CONTAINERS, take);
  addEvents(program, take);
  addTree(program, take);
  addHistory(program, take);
  addWatch(program, take);
  addHelpCommand(program);
}

/** The socket's path: `--address`, or else CONTAINERD_ADDRESS. Throws a `CliError` for what is no address. */
function addressOf(flag: string, { CONTAINERD_ADDRESS = '' }: NodeJS.ProcessEnv): string {
  if (flag !== '') return flag;
  if (CONTAINERD_ADDRESS === '') return DEFAULT_ADDRESS;
  try {
    return parseAddress(CONTAINERD_ADDRESS);
  } catch (error) {
    throw error instanceof CliError ? new CliError(`CONTAINERD_ADDRESS: ${error.message}`) : error;
  }
}

/**
 * Reads the command line of `ctr`, without the program's own name. Either there is a job to be done, or something to
 * print (help, version, what is wrong) and nothing more.
 */
export function readCommandLine(
  argv: string[],
  env: NodeJS.ProcessEnv,
): ({ kind: 'run' } & Invocation) | ({ kind: 'exit' } & Ending) {
  let stdout = '';
  let job: Job | undefined;
  const program = createProgram('ctr', 'High performance container daemon controller', (text) => {
    stdout += text;
  });
  program.addOption(boolFlag('--debug', 'enable debug output in the logs'));
  program.addOption(
    valueFlag('--address', 'address of GRPC API', { value: '', shown: DEFAULT_ADDRESS }, parseAddress),
  );
  addCommands(program, (taken) => {
    job = taken;
  });
  program.allowExcessArguments().action(() => {
    const [unknown] = program.args;
    if (unknown !== undefined) throw new CliError(`unknown command '${unknown}'`);
    program.help();
  });
  try {
    program.parse(argv, { from: 'user' });
    const { address, debug } = program.opts<{ address: string; debug: boolean }>();
    if (job !== undefined) return { kind: 'run', job, address: addressOf(address, env), debug };
  } catch (thrown) {
    const complaint = complaintOf(thrown);
    if (complaint !== undefined) {
      return { kind: 'exit', status: 1, stdout: '', stderr: `[ctr] ${complaint}\n` };
    }
  }
  return { kind: 'exit', status: 0, stdout, stderr: '' };
}
