/** What the daemon and the page in a browser say to each other: JSON, one message a frame. */

/** An actor as the tree shows it. Times are unix milliseconds; `goneMs` is 0 for one that is there. */
export type ActorRow = {
  session: string;
  /** Empty for the supervisor. */
  parent: string;
  kind: 'supervisor' | 'container' | 'process';
  id: string;
  state: string;
  sinceMs: number;
  bornMs: number;
  goneMs: number;
  /** Of init, or of the process; 0 before it runs. */
  pid: number;
};

/** What one event did to an actor. */
export type StepRow = {
  number: number;
  session: string;
  atMs: number;
  sender: string;
  event: { type: string; [key: string]: unknown };
  state: string;
  context: unknown;
  /** Ids of the chart's edges that were taken. */
  edges: string[];
  /** What a client, the subscribers or the log were told. */
  said: { type: string; params: unknown }[];
  began: readonly string[];
};

export type CountsRow = { atMs: number; counts: Record<string, number> };

export type ToPage =
  | { type: 'welcome'; id: string; secrets: boolean; nowMs: number }
  /** `reset`: what the page knew of actors is void. `whole`: with these it has all. `forgotten` are sessions. */
  | {
      type: 'actors';
      reset: boolean;
      whole: boolean;
      rows: ActorRow[];
      forgotten: string[];
      nowMs: number;
    }
  | { type: 'counts'; reset: boolean; samples: CountsRow[] }
  /** Steps of the container `of` and its processes, or of the supervisor. */
  | { type: 'steps'; of: string; reset: boolean; rows: StepRow[] };

/** Asks for the steps of an actor and its family, in the place of those asked for before. */
export type FromPage = { type: 'watch'; session: string };
