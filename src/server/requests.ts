import type { Bundle } from '../bundle/bundle.ts';
import { ContainerdError } from '../errors.ts';
import type * as wire from '../generated/api.ts';
import type {
  CheckpointRequest,
  CreateRequest,
  DeleteCheckpointRequest,
  ExecRequest,
  SignalRequest,
  Stdio,
  UpdateProcessRequest,
  UpdateRequest,
  User,
} from '../machines/messages.ts';
import {
  checkBundlePath,
  checkCheckpointName,
  checkEnv,
  checkId,
  checkNoNul,
  checkSignal,
  checkStatus,
  checkStdioPath,
  checkUserId,
} from './validate.ts';

/** From the messages of the wire to the events of the charts: each checks all that its client sent. */

/** Terminals are no larger (struct winsize of ioctl_tty(2) has 16 bits). */
const MAX_TERMINAL_SIZE = 0xffff;

type WireStdio = { stdin: string; stdout: string; stderr: string; console: string };

const stdioOf = ({ stdin, stdout, stderr, console }: WireStdio): Stdio => ({
  stdin: checkStdioPath(stdin, 'stdin'),
  stdout: checkStdioPath(stdout, 'stdout'),
  stderr: checkStdioPath(stderr, 'stderr'),
  console: checkStdioPath(console, 'console'),
});

const userOf = (user: wire.User | undefined): User => ({
  uid: checkUserId(user?.uid ?? 0, 'uid'),
  gid: checkUserId(user?.gid ?? 0, 'gid'),
  additionalGids: (user?.additionalGids ?? []).map((gid) => checkUserId(gid, 'additional gid')),
});

/** A create, once its bundle has been read; `readBundle` is called with the checked path. */
export async function createRequest(
  requestId: string,
  request: wire.CreateContainerRequest,
  readBundle: (bundlePath: string) => Promise<Bundle>,
): Promise<CreateRequest> {
  const id = checkId(request.id);
  const bundlePath = checkBundlePath(request.bundlePath);
  const stdio = stdioOf(request);
  const checkpoint = request.checkpoint === '' ? '' : checkCheckpointName(request.checkpoint);
  const { process: spec, inherited, hooks } = await readBundle(bundlePath);
  return { type: 'create', requestId, id, bundlePath, stdio, spec, inherited, hooks, checkpoint };
}

export const updateRequest = (requestId: string, request: wire.UpdateContainerRequest): UpdateRequest => ({
  type: 'update',
  requestId,
  id: checkId(request.id),
  status: checkStatus(request.status),
  signal: checkSignal(request.signal),
});

export const signalRequest = (requestId: string, request: wire.SignalRequest): SignalRequest => ({
  type: 'signal',
  requestId,
  id: checkId(request.id),
  pid: request.pid,
  signal: checkSignal(request.signal),
});

export function execRequest(requestId: string, request: wire.AddProcessRequest): ExecRequest {
  const id = checkId(request.id);
  const args = request.args.map((arg) => checkNoNul(arg, 'args'));
  if (args.length === 0 || args[0] === '') throw new ContainerdError('invalidArgument', 'args are empty');
  const cwd = checkNoNul(request.cwd, 'cwd') || '/';
  if (!cwd.startsWith('/')) throw new ContainerdError('invalidArgument', 'cwd is not absolute');
  const stdio = stdioOf(request);
  const spec = {
    // A console is a terminal, whether it is said so or not.
    terminal: request.terminal || stdio.console !== '',
    user: userOf(request.user),
    args,
    env: request.env.map(checkEnv),
    cwd,
  };
  return { type: 'exec', requestId, id, spec, stdio };
}

export function updateProcessRequest(
  requestId: string,
  { id, pid, closeStdin, width, height }: wire.UpdateProcessRequest,
): UpdateProcessRequest {
  if (width > MAX_TERMINAL_SIZE || height > MAX_TERMINAL_SIZE) {
    throw new ContainerdError('invalidArgument', `a terminal cannot be ${width} by ${height}`);
  }
  return { type: 'updateProcess', requestId, id: checkId(id), pid, closeStdin, width, height };
}

export const checkpointRequest = (
  requestId: string,
  request: wire.CreateCheckpointRequest,
): CheckpointRequest => ({
  type: 'checkpoint',
  requestId,
  id: checkId(request.id),
  checkpoint: {
    name: checkCheckpointName(request.checkpoint?.name ?? ''),
    exit: request.checkpoint?.exit ?? false,
    tcp: request.checkpoint?.tcp ?? false,
    unixSockets: request.checkpoint?.unixSockets ?? false,
    shell: request.checkpoint?.shell ?? false,
  },
});

export const deleteCheckpointRequest = (
  requestId: string,
  request: wire.DeleteCheckpointRequest,
): DeleteCheckpointRequest => ({
  type: 'deleteCheckpoint',
  requestId,
  id: checkId(request.id),
  name: checkCheckpointName(request.name),
});
