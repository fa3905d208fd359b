import type { FromPage, ToPage } from '../wire.ts';

/** The stream of the daemon that served this page; comes back by itself. */

/** `refused`: whoever answers has another token, as a daemon does that was started again. */
export type Link = 'connecting' | 'live' | 'lost' | 'refused';

const RETRY_MS = 1000;

export function connect(on: { message(message: ToPage): void; link(link: Link): void; open(): void }): {
  send(message: FromPage): void;
} {
  const { host, search } = location;
  let socket: WebSocket;
  function open(): void {
    socket = new WebSocket(`ws://${host}/live${search}`);
    let wasOpen = false;
    socket.onopen = () => {
      wasOpen = true;
      on.link('live');
      on.open();
    };
    socket.onmessage = ({ data }: MessageEvent<string>) => on.message(JSON.parse(data) as ToPage);
    socket.onclose = async () => {
      on.link('lost');
      // Why it was refused a WebSocket does not say.
      if (!wasOpen && (await isRefused())) on.link('refused');
      else setTimeout(open, RETRY_MS);
    };
  }
  const isRefused = () =>
    fetch(`/${search}`, { cache: 'no-store' }).then(
      ({ status }) => status === 401,
      () => false,
    );
  on.link('connecting');
  open();
  return {
    send(message) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
  };
}
