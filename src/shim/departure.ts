/** How long a shim that has just been started waits for its first daemon. */
const FIRST_DAEMON_TIMEOUT_MS = 10_000;

export type Departure = {
  /** A daemon has come or gone. */
  daemon(connected: boolean): void;
  /** Something that kept the shim busy may have ended. */
  look(): void;
};

/** Calls `leave` once there is neither work nor a daemon, after a grace for the first one to come. */
export function createDeparture(busy: () => boolean, leave: () => void): Departure {
  let connected = true;
  const look = (): void => {
    if (!connected && !busy()) {
      leave();
    }
  };
  const daemon = (present: boolean): void => {
    clearTimeout(timer);
    connected = present;
    look();
  };
  const timer = setTimeout(daemon, FIRST_DAEMON_TIMEOUT_MS, false);
  return { daemon, look };
}
