import type { Event } from '../generated/api.ts';
import { lineOfRoster, type Moment, type Roster, takeIn } from './roster.ts';

/** After how many bytes of events there is a roster: after fewer in a small journal, after more where it takes many itself. */
const EVERY_BYTES = 256 * 1024;
/** A roster takes an eighth of the journal at the most. */
const SHARE = 8;

/** Says when the journal is to have a roster, and what is in it. */
export class RosterCall {
  readonly #now: () => Moment;
  readonly #maxBytes: number;
  #everyBytes: number;
  #roster: Roster | undefined;
  /** How much was written since there was one. */
  #sinceBytes = 0;

  /** `fileBytes` is how large a file of the journal may be. */
  constructor(now: () => Moment, fileBytes: number) {
    this.#now = now;
    this.#maxBytes = fileBytes / SHARE;
    this.#everyBytes = Math.min(EVERY_BYTES, this.#maxBytes);
  }

  /** There are none before it is known who runs; `sinceBytes` is how much the journal has since there was one. */
  begin(roster: Roster, sinceBytes: number): void {
    this.#roster = roster;
    this.#sinceBytes = sinceBytes;
  }

  /** Takes in what is in the journal now, and gives the line of a roster where it is time for one. */
  next(events: readonly Event[], bytes: number): string | undefined {
    if (this.#roster === undefined) return undefined;
    for (const event of events) takeIn(this.#roster, event);
    this.#sinceBytes += bytes;
    if (this.#sinceBytes < this.#everyBytes) return undefined;
    const line = lineOfRoster(this.#roster, this.#now());
    const lineBytes = Buffer.byteLength(line);
    this.#everyBytes = Math.max(this.#everyBytes, lineBytes * SHARE);
    return this.#sinceBytes < this.#everyBytes || lineBytes > this.#maxBytes ? undefined : line;
  }

  /** It is in the journal. */
  written(): void {
    this.#sinceBytes = 0;
  }
}
