import type { Recorded, Step } from '../history/recorded.ts';
import type { Recorder } from '../history/recorder.ts';
import type { Outlet } from './feed.ts';
import { actorMessage, eventMessage, type StatelyMessage, snapshotMessage } from './stately-messages.ts';

/** The stream in the protocol of @statelyai/inspect, for Stately's own visualizer. */

/** Pages that may open the stream besides our own: Stately's, with the token. */
export const STATELY_ORIGINS = ['https://stately.ai'] as const;

const INSPECTOR_URL = 'https://stately.ai/inspect';

/** A client that has this much unread misses what comes until it has read it. */
const MAX_UNREAD_BYTES = 4 * 2 ** 20;
/** How many actors a client is told of when it comes, and their last steps. */
const MAX_ACTORS = 512;

export type StatelyFeed = {
  /** Tells of the actors that are there, then of what happens; returns how to end that. */
  join(outlet: Outlet): () => void;
  readonly watchers: number;
  end(): void;
};

export function createStatelyFeed({
  recorder,
  secrets,
}: {
  recorder: Recorder;
  secrets: boolean;
}): StatelyFeed {
  const outlets = new Map<Outlet, Set<string>>();
  let unlisten = () => {};

  function tell(outlet: Outlet, known: Set<string>, actor: Recorded, step: Step): void {
    if (outlet.bufferedAmount > MAX_UNREAD_BYTES) return;
    const send = (message: StatelyMessage) => outlet.send(JSON.stringify(message));
    if (!known.has(actor.session)) {
      known.add(actor.session);
      send(actorMessage(actor, step, { secrets }));
    } else send(eventMessage(actor, step, { secrets }));
    send(snapshotMessage(actor, step, { secrets }));
  }

  const listen = () =>
    recorder.listen({
      stepped(actor, step) {
        for (const [outlet, known] of outlets) tell(outlet, known, actor, step);
      },
      forgotten({ session }) {
        for (const known of outlets.values()) known.delete(session);
      },
    });

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
      if (outlets.size === 0) unlisten = listen();
      const known = new Set<string>();
      outlets.set(outlet, known);
      let left = MAX_ACTORS;
      for (const actor of present()) {
        const step = actor.steps.at(-1);
        if (left-- <= 0) break;
        if (step !== undefined) tell(outlet, known, actor, step);
      }
      return () => {
        if (outlets.delete(outlet) && outlets.size === 0) unlisten();
      };
    },
    get watchers() {
      return outlets.size;
    },
    end() {
      outlets.clear();
      unlisten();
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
