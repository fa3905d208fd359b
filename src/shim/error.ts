import { type Failed, Failed_Reason } from '../generated/shim.ts';

/**
 * Why the shim did nothing; all but the last are `Failed.Reason` of proto/shim.proto. `lost`: the connection to the
 * shim ended before it answered, so what became of the request is only known once a new connection says so
 * (`awaitStart`).
 */
export type ShimErrorReason =
  | 'noProcess'
  | 'stdio'
  | 'spawn'
  | 'runtime'
  | 'timeout'
  | 'kernel'
  | 'exists'
  | 'record'
  | 'lost';

const NUMBERS: Record<Exclude<ShimErrorReason, 'lost'>, Failed_Reason> = {
  noProcess: Failed_Reason.REASON_NO_PROCESS,
  stdio: Failed_Reason.REASON_STDIO,
  spawn: Failed_Reason.REASON_SPAWN,
  runtime: Failed_Reason.REASON_RUNTIME,
  timeout: Failed_Reason.REASON_TIMEOUT,
  kernel: Failed_Reason.REASON_KERNEL,
  exists: Failed_Reason.REASON_EXISTS,
  record: Failed_Reason.REASON_RECORD,
};
const REASONS = new Map(
  Object.entries(NUMBERS).map(([reason, number]) => [number, reason as ShimErrorReason] as const),
);

/** What an error of the shim says besides its message. */
export type ShimErrorDetails = {
  /** The kernel's errno(3) as a number; 0 where the kernel had no part in it. */
  errno?: number;
  /** How the program ended (128 + signal); only of `runtime` and `timeout`. */
  exitStatus?: number;
  /** The end of what that program wrote to its stderr; only of `runtime` and `timeout`. */
  output?: string;
};

/** A request to the shim that failed. */
export class ShimError extends Error {
  override readonly name = 'ShimError';
  readonly reason: ShimErrorReason;
  readonly errno: number;
  readonly exitStatus: number;
  readonly output: string;

  constructor(reason: ShimErrorReason, message: string, details: ShimErrorDetails = {}) {
    super(message);
    this.reason = reason;
    this.errno = details.errno ?? 0;
    this.exitStatus = details.exitStatus ?? 0;
    this.output = details.output ?? '';
  }
}

/** The error that a `Failed` frame stands for. A reason that this version does not know is `kernel`. */
export function shimErrorOf(failed: Failed): ShimError {
  return new ShimError(REASONS.get(failed.reason) ?? 'kernel', failed.message, failed);
}

/** The `Failed` frame for whatever was thrown; what no one foresaw has no reason, only a message and the kernel's. */
export function failedOf(error: unknown): Failed {
  if (error instanceof ShimError && error.reason !== 'lost') {
    const { message, errno, exitStatus, output } = error;
    return { reason: NUMBERS[error.reason], message, errno, exitStatus, output };
  }
  // Node has the kernel's numbers negative.
  const errno = Math.abs(Number((error as { errno?: unknown } | undefined)?.errno ?? 0)) || 0;
  const message = error instanceof Error ? error.message : String(error);
  return { reason: Failed_Reason.REASON_UNSPECIFIED, message, errno, exitStatus: 0, output: '' };
}
