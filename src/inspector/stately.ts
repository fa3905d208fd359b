import type { Recorded, Step } from '../history/recorded.ts';
import type { Recorder } from '../history/recorder.ts';
import type { Outlet } from './feed.ts';
import { actorMessage, eventMessage, snapshotMessage } from './stately-messages.ts';

/** The stream in the protocol of @statelyai/inspect, for Stately's own visualizer. */

/** Pages that may open the stream besides our own: Stately's, with the token. */
export const STATELY_ORIGINS = ['https://stately.ai'] as const;

const INSPECTOR_URL = 'https://stately.ai/inspect';

/** What happens within this long is told together. */
const TICK_MS = 100;
/** Of what a client with more unread than this misses it is told how it ended, once it has read. */
const MAX_UNREAD_BYTES = 2 ** 20;
/** Steps of a tick that are told one by one. */
const MAX_STEPS = 256;
/** How many actors a client is told of when it comes, and their last steps. */
const MAX_ACTORS = 512;
/** How many of them in a tick, before other work has its turn. */
const PORTION = 64;

export type StatelyFeed = {
  /** Tells of the actors that are there, then of what happens; returns how to end that. */
  join(outlet: Outlet): () => void;
  readonly watchers: number;
  end(): void;
};

type Client = {
  /** Sessions that it has been told of. */
  known: Set<string>;
  /** Actors of which it is to be told where they are: it came after their steps, or did not read. */
  owed: Set<Recorded>;
};

/** Puts what happens into text once for all clients, and not while it happens: an actor would fail of a fault here. */
export function createStatelyFeed({
  recorder,
  secrets,
}: {
  recorder: Recorder;
  secrets: boolean;
}): StatelyFeed {
  const clients = new Map<Outlet, Client>();
  let steps: { actor: Recorded; step: Step }[] = [];
  let forgotten: Recorded[] = [];
  let timer: NodeJS.Timeout | undefined;
  let unlisten = () => {};

  const wake = () => {
    timer ??= setTimeout(tick, TICK_MS);
  };
  const listen = () =>
    recorder.listen({
      stepped(actor, step) {
        if (steps.length < MAX_STEPS) steps.push({ actor, step });
        else for (const { owed } of clients.values()) owed.add(actor);
        wake();
      },
      forgotten(actor) {
        forgotten.push(actor);
        wake();
      },
    });
  function stop(): void {
    unlisten();
    clearTimeout(timer);
    timer = undefined;
    steps = [];
    forgotten = [];
  }

  function tick(): void {
    timer = undefined;
    for (const { actor, step } of steps) tellStep(actor, step);
    steps = [];
    for (const [outlet, client] of clients) tellOwed(outlet, client);
    for (const { known, owed } of clients.values()) {
      for (const actor of forgotten) {
        known.delete(actor.session);
        owed.delete(actor);
      }
      if (owed.size > 0) wake();
    }
    forgotten = [];
  }

  function tellStep(actor: Recorded, step: Step): void {
    const text = textsOf(actor, step);
    for (const [outlet, { known, owed }] of clients) {
      if (outlet.bufferedAmount > MAX_UNREAD_BYTES) owed.add(actor);
      if (owed.has(actor)) continue;
      outlet.send(known.has(actor.session) ? text.event() : text.actor());
      outlet.send(text.snapshot());
      known.add(actor.session);
    }
  }

  function tellOwed(outlet: Outlet, { known, owed }: Client): void {
    let left = PORTION;
    for (const actor of owed) {
      if (left-- === 0 || outlet.bufferedAmount > MAX_UNREAD_BYTES) return;
      owed.delete(actor);
      const step = actor.steps.at(-1);
      if (step === undefined) continue;
      const text = textsOf(actor, step);
      if (!known.has(actor.session)) outlet.send(text.actor());
      outlet.send(text.snapshot());
      known.add(actor.session);
    }
  }

  /** What is told of a step; each made once it is asked for. */
  function textsOf(actor: Recorded, step: Step) {
    const once = (make: typeof actorMessage | typeof eventMessage) => {
      let text: string | undefined;
      return () => {
        text ??= JSON.stringify(make(actor, step, { secrets }));
        return text;
      };
    };
    return { actor: once(actorMessage), event: once(eventMessage), snapshot: once(snapshotMessage) };
  }

  /** The supervisor, and as many containers that are there, with their processes. */
  function* present(): Iterable<Recorded> {
    if (recorder.supervisor !== undefined) yield recorder.supervisor;
    for (const container of recorder.containers()) {
      if (container.goneMs !== 0) continue;
      yield container;
      for (const process of container.children) if (process.goneMs === 0) yield process;
    }
  }

  return {
    join(outlet) {
      if (clients.size === 0) unlisten = listen();
      const owed = new Set<Recorded>();
      for (const actor of present()) if (owed.add(actor).size === MAX_ACTORS) break;
      clients.set(outlet, { known: new Set(), owed });
      wake();
      return () => {
        if (clients.delete(outlet) && clients.size === 0) stop();
      };
    },
    get watchers() {
      return clients.size;
    },
    end() {
      clients.clear();
      stop();
    },
  };
}

/**
 * A page with Stately's inspector in a frame, which it hands the events to, as @statelyai/inspect's own server has it.
 * It needs the internet, the frame being Stately's; what it shows stays in the browser.
 */
export const bridgePage = (token: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>containerd in Stately's inspector</title>
<style>html, body, iframe { height: 100%; width: 100%; margin: 0; border: 0; display: block; }</style>
<iframe title="Stately's inspector" src="${INSPECTOR_URL}"></iframe>
<script>
  const { contentWindow } = document.querySelector('iframe');
  let waiting = [];
  const tell = (event) => contentWindow.postMessage(event, '${new URL(INSPECTOR_URL).origin}');
  addEventListener('message', ({ source, data }) => {
    if (source !== contentWindow || data?.type !== '@statelyai.connected') return;
    for (const event of waiting ?? []) tell(event);
    waiting = undefined;
  });
  const socket = new WebSocket('ws://' + location.host + '/stately?token=${token}');
  // It may never come, as without the internet.
  const most = 4096;
  socket.onmessage = ({ data }) => {
    if (waiting === undefined) tell(JSON.parse(data));
    else if (waiting.length < most) waiting.push(JSON.parse(data));
  };
</script>
</html>
`;
