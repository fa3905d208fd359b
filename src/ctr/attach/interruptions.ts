import { constants } from 'node:os';

/** What we are told by signals. */
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const;
/** Init of a container ignores what it has no handler for: whoever asks so often wants to have the terminal back. */
const ASKED_IN_EARNEST = 3;

/** The user has gone: how we end, while the process goes on. */
export class Left extends Error {
  override readonly name = 'Left';
  readonly status: number;

  constructor(status: number) {
    super(`left with ${status}`);
    this.status = status;
  }
}

/** The signals that would end us. */
export type Interruptions = {
  /** Rejects with `Left` once we are to go. */
  left: Promise<never>;
  /** From now on they are for the process: three of one kind, and we go; one before, and we go too. */
  passOn(send: (signal: number) => void): void;
  release(): void;
};

/** Takes the signals that would end us; our terminal's hanging up always does. */
export function catchInterruptions(): Interruptions {
  let end = (_: Left): void => {};
  const left = new Promise<never>((_, reject) => {
    end = reject;
  });
  left.catch(() => {});
  const counts = new Map<string, number>();
  let send: ((signal: number) => void) | undefined;

  const leave = (name: NodeJS.Signals): void => end(new Left(128 + constants.signals[name]));
  const take = (name: NodeJS.Signals): void => {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    if (send === undefined || count === ASKED_IN_EARNEST) leave(name);
    else send(constants.signals[name]);
  };
  for (const name of PASSED_ON) process.on(name, take);
  process.on('SIGHUP', leave);

  return {
    left,
    passOn(to) {
      send = to;
    },
    release() {
      for (const name of PASSED_ON) process.off(name, take);
      process.off('SIGHUP', leave);
    },
  };
}
