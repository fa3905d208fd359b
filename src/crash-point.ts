import { readFileSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Every place at which the daemon or the shim (`shim.…`) has waited for an effect, or lets one go on without it, by what is
 * so there: tests have a program killed exactly there, and look at what the next one makes of it.
 */
export const CRASH_POINTS = {
  'start-up.journal-open': 'the journal is open; there is no shim yet',
  'start-up.shim-linked': 'the shim has said what it holds',
  'start-up.restored': 'the containers of before are taken up; nobody can connect',
  'start-up.listening': 'clients can connect',

  'restore.journal-read': 'it is known what was told of the containers that are written down',
  'restore.settled': 'no runc is at work on a container that is written down',
  'restore.checkpoints-settled': 'what was left of checkpoints is settled',
  'restore.taken-up': 'it is known how one of them is',
  'restore.deleted': 'runc has nothing any more of a container that never ran; its folder is there',
  'restore.swept': 'nor is there a folder',
  'restore.looked': 'it is known how all containers are',

  'launch.told': 'a new container may have this id: nobody speaks of a former one any more',
  'launch.folder-made': 'a container that is to be restored has a folder, and nothing in it',
  'launch.recorded': 'what was asked for is written down',
  'launch.restore-prepared': 'CRIU has a folder to work in',
  'launch.started': 'the shim has said who it is',
  'launch.failed': 'a process could not be started',
  'launch.exec-undone': 'nothing is left of an exec that could not be',

  'journal.writing': 'events have been told, but are not in the journal',
  'journal.written': 'they are',
  'journal.roster-written': 'who was told to run is, too',
  'journal.renamed': 'the newer file has become the older one, and there is no newer one',

  'announce.start-told': 'a start is in the journal; its pid file is there',
  'announce.start-noted': 'nor is that there any more',
  'announce.exit-told': 'an exit is in the journal; the shim has it too',
  'announce.exec-forgotten': 'an exec that has ended is no longer written down',
  'announce.acked': 'the shim has forgotten the exit',

  'shim-client.asked': 'a request is on its way to the shim: to start a process, to run runc, to signal, …',
  'runc.ran': 'a pause, resume, checkpoint or delete of runc has ended',
  'signal.done': 'a process was sent a signal',
  'update.done': 'a terminal was resized, or a stdin closed',

  'delete.cgroups-removed': 'an ended container has no cgroups any more, and runc still knows it',
  'delete.record-read':
    'runc has nothing of an ended container any more, or is about to be asked to delete it',
  'delete.told': 'runc has forgotten it, and the journal has what was told of it so far',
  'delete.folder-removed': 'neither runc nor the state dir has it; its exit is not told',

  'checkpoint.work-made': 'CRIU has a folder to work in',
  'checkpoint.partial-made': 'a checkpoint has a folder, under a name that none can have',
  'checkpoint.flags-written': 'its flags are in it',
  'checkpoint.renamed': 'it has its name; the link to CRIU’s log is in it',
  'checkpoint.complete': 'the link is not',
  'checkpoint.failed': 'CRIU has failed; what it wrote is there',
  'checkpoint.doomed': 'a checkpoint that is being removed has a name that none can have',
  'checkpoint.removed': 'it is gone from the disk',

  'oom.counted': 'the kernel’s count of OOM kills is read',
  'oom.kept': 'it is written down, and told',

  'shim-link.lost': 'the shim is lost; no other has been started',
  'shim-link.replaced': 'another is there',
  'shim-link.orphan-ended': 'a process that had lost its shim has ended',
  'shim-link.runcs-ended': 'no runc of a shim that was lost is at work',

  'end.containers-gone': 'told to end: every container has ended',
  'end.journal-closed': 'the journal is closed',
  'end.settled': 'the shim has forgotten all exits',

  'shim.locked': 'this shim is the one of its state dir; it does not listen yet',
  'shim.listening': 'it listens, and has not told whoever started it',
  'shim.welcomed': 'it has said to a daemon what it holds',
  'shim.start-asked': 'a process is to be started',
  'shim.folder-made': 'a new container has a folder, and nothing in it',
  'shim.recorded': 'what was asked for of a container or an exec is written down',
  'shim.stdio-open': 'its stdio is open',
  'shim.spawned': 'a runc is at work',
  'shim.ran': 'it has ended',
  'shim.prepared': 'a container’s init waits to be let go; its terminal has the size of its client’s',
  'shim.let-go': 'it was let go',
  'shim.pid-read': 'it is known who the process is',
  'shim.exec-noted': 'who an exec is, is written down',
  'shim.begun': 'its stdio is copied; the daemon has not been told',
  'shim.start-failed': 'the process could not be started',
  'shim.answered': 'the daemon has the answer to what it asked',
  'shim.signalled': 'a signal is sent',
  'shim.updated': 'a terminal is resized, or a stdin closed',
  'shim.settled': 'no runc is at work on a container',
  'shim.reaped': 'a process is reaped',
  'shim.delivered': 'what it wrote has reached its clients',
  'shim.exit-told': 'the daemon was told of its exit',
  'shim.acked': 'the exit is forgotten',
  'shim.leaving': 'there is nothing left to do, nor a socket',
} as const;

export type CrashPoint = keyof typeof CRASH_POINTS;

/** The file that says where to die, one point a line, first things first; none but in tests. */
const ORDERS = process.env.CONTAINERD_CRASH_AT;

/** Kills this program where it is the next point in the file that CONTAINERD_CRASH_AT names. */
export function crashPoint(name: CrashPoint): void {
  if (ORDERS !== undefined) obey(ORDERS, name);
}

function obey(orders: string, name: CrashPoint): void {
  const [next, ...rest] = linesOf(orders);
  if (next !== name) return;
  // Once: whoever comes next is to get past it.
  if (rest.length === 0) rmSync(orders);
  else writeFileSync(orders, rest.join('\n'));
  process.kill(process.pid, 'SIGKILL');
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    // Nobody is to die.
    return [];
  }
}
