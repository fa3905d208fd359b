/**
 * The catalogue of everything that a client can be told went wrong. A failure is plain data: it travels in the
 * events of the charts, and only the server turns its status into a number of gRPC.
 */

/** The gRPC status names in use here (https://grpc.github.io/grpc/core/md_doc_statuscodes.html). */
export type Status =
  | 'CANCELLED'
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'DEADLINE_EXCEEDED';

/** Each error's status and text. A text that ends in a blank is followed by what it is about. */
export const catalogue = {
  containerNotFound: ['NOT_FOUND', 'containerd: container not found'],
  containerExists: ['ALREADY_EXISTS', 'containerd: container already exists'],
  containerExited: ['FAILED_PRECONDITION', 'containerd: container has exited'],
  containerState: ['FAILED_PRECONDITION', 'containerd: container is '],
  bundleNotFound: ['NOT_FOUND', 'containerd: bundle not found'],
  bundleInvalid: ['INVALID_ARGUMENT', 'containerd: bundle is not valid: '],
  bundlePathEmpty: ['INVALID_ARGUMENT', 'empty bundle path'],
  processNotFound: ['NOT_FOUND', 'containerd: processs not found for container'],
  noTerminal: ['FAILED_PRECONDITION', 'containerd: the process has no terminal'],
  unknownStatus: ['INVALID_ARGUMENT', 'containerd: unknown container status '],
  unknownSignal: ['INVALID_ARGUMENT', 'containerd: unknown signal '],
  checkpointNotFound: ['NOT_FOUND', 'containerd: checkpoint does not exist for container'],
  checkpointExists: ['ALREADY_EXISTS', 'containerd: checkpoint already exists'],
  checkpointNameEmpty: ['INVALID_ARGUMENT', 'checkpoint name cannot be empty'],
  checkpointFolder: ['FAILED_PRECONDITION', 'containerd: checkpoints folder: '],
  noSuchContainers: ['NOT_FOUND', 'no such containers'],
  invalidArgument: ['INVALID_ARGUMENT', 'containerd: '],
  notRestorable: ['FAILED_PRECONDITION', 'containerd: cannot checkpoint: '],
  stdioNotFound: ['NOT_FOUND', ''],
  stdioInvalid: ['INVALID_ARGUMENT', ''],
  supervisorStopped: ['UNAVAILABLE', 'containerd: supervisor is shutdown'],
  supervisorRestoring: ['UNAVAILABLE', 'containerd: supervisor is restoring its containers, try again'],
  shimLost: ['UNAVAILABLE', 'containerd: the shim was lost: '],
  tooManyRequests: ['RESOURCE_EXHAUSTED', 'containerd: too many requests wait for container '],
  tooManyProcesses: [
    'RESOURCE_EXHAUSTED',
    'containerd: the container has as many processes as it may have: ',
  ],
  stateDir: ['UNAVAILABLE', 'containerd: state dir: '],
  hostLimit: ['RESOURCE_EXHAUSTED', 'containerd: the host has no more to give: '],
  cancelled: ['CANCELLED', 'containerd: the client cancelled the request'],
  runtimeTimeout: ['DEADLINE_EXCEEDED', 'containerd: runtime took too long: '],
  runtimeFailed: ['INTERNAL', 'containerd: '],
  internal: ['INTERNAL', 'containerd: '],
} as const satisfies Record<string, readonly [Status, string]>;

export type ErrorName = keyof typeof catalogue;

/** Why a request did not do what it asked for. */
export type Failure = { error: ErrorName; status: Status; message: string };

/** The failure of that name; `detail` completes a text that ends in a blank. */
export function failure(error: ErrorName, detail = ''): Failure {
  const [status, text] = catalogue[error];
  return { error, status, message: text + detail };
}

/** What an effect throws so that the chart that invoked it can answer with the failure in it. */
export class ContainerdError extends Error {
  override readonly name = 'ContainerdError';
  readonly failure: Failure;

  constructor(error: ErrorName, detail = '', options?: ErrorOptions) {
    const described = failure(error, detail);
    super(described.message, options);
    this.failure = described;
  }
}

/** The failure in whatever an effect threw: its own, or `hostLimit` or `internal` with its message. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof ContainerdError) return thrown.failure;
  return failure(
    isShortage(thrown) ? 'hostLimit' : 'internal',
    thrown instanceof Error ? thrown.message : String(thrown),
  );
}

/** What the kernel refuses where a limit is reached, descriptors, processes, memory, and what Node makes of that for a thread. */
const LIMITS = new Set([
  'EMFILE',
  'ENFILE',
  'EAGAIN',
  'ENOMEM',
  'ERR_WORKER_INIT_FAILED',
  'ERR_WORKER_OUT_OF_MEMORY',
]);
/** And where a disk cannot be written to. */
const DISK = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO']);

/** Whether the host has no more to look with, which says nothing of what was to be looked at. */
export const isShortage = (error: unknown): boolean =>
  LIMITS.has((error as NodeJS.ErrnoException | undefined)?.code ?? '');

/** The error for what is the host's trouble and nobody's fault; `code` is the kernel's, as Node names it. */
export function hostTrouble(code: string | undefined, error: Error): ContainerdError | undefined {
  if (code === undefined) return undefined;
  const cause = { cause: error };
  if (LIMITS.has(code)) return new ContainerdError('hostLimit', error.message, cause);
  if (DISK.has(code)) return new ContainerdError('stateDir', error.message, cause);
  return undefined;
}
