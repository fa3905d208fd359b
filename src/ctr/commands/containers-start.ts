import path from 'node:path';
import type { Command } from 'commander';
import { boolFlag, stringFlag } from '../../cli/flags.ts';
import { NO_STDIO, type Stdio } from '../attach/ends.ts';
import type { AskOptions } from '../daemon.ts';
import type { Session, Take } from '../job.ts';

type Flags = { checkpoint: string; attach: boolean };
type Start = { id: string; bundlePath: string; checkpoint: string };

/** `ctr containers start`. */
export function addContainersStart(group: Command, take: Take): void {
  const start = group.command('start').description('start a container').arguments('<id> <bundle>');
  start.addOption(stringFlag('--checkpoint, -c', 'checkpoint to start the container from'));
  start.addOption(boolFlag('--attach, -a', 'connect to the stdio of the container'));
  start.action((id: string, bundle: string, { checkpoint, attach }: Flags) => {
    // An empty path would be the folder we are in: that it names nothing is the daemon's to say.
    const bundlePath = bundle === '' ? '' : path.resolve(bundle);
    const wanted = { id, bundlePath, checkpoint };
    take(attach ? (session) => startAttached(session, wanted) : (session) => startDetached(session, wanted));
  });
}

const request = async ({ daemon }: Session, start: Start, stdio: Stdio, options: AskOptions) => {
  const { pid } = await daemon.ask(daemon.client.createContainer, { ...start, ...stdio }, options);
  return pid;
};

async function startDetached(session: Session, start: Start): Promise<number> {
  await request(session, start, NO_STDIO, { patient: true });
  return 0;
}

async function startAttached(session: Session, start: Start): Promise<number> {
  // System calls of our own take their time to load, and nothing else needs them.
  const [{ attach }, { readBundle }] = await Promise.all([
    import('../attach/attach.ts'),
    import('../../bundle/bundle.ts'),
  ]);
  // What is wrong with a bundle is the daemon's to say.
  const terminal = await readBundle(start.bundlePath).then(
    (bundle) => bundle.process.terminal,
    () => false,
  );
  return attach(session, {
    id: start.id,
    what: start.id,
    terminal,
    launch: (stdio, signal) => request(session, start, stdio, { patient: true, signal }),
  });
}
