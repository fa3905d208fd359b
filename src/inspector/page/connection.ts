import type { FromPage, ToPage } from '../wire.ts';

/** The stream of the daemon that served this page; comes back by itself. */

export type Link = 'connecting' | 'live' | 'lost';

const RETRY_MS = 1000;

export function connect(on: { message(message: ToPage): void; link(link: Link): void; open(): void }): {
  send(message: FromPage): void;
} {
  const { host, search } = location;
  let socket: WebSocket;
  function open(): void {
    socket = new WebSocket(`ws://${host}/live${search}`);
    socket.onopen = () => {
      on.link('live');
      on.open();
    };
    socket.onmessage = ({ data }: MessageEvent<string>) => on.message(JSON.parse(data) as ToPage);
    socket.onclose = () => {
      on.link('lost');
      setTimeout(open, RETRY_MS);
    };
  }
  on.link('connecting');
  open();
  return {
    send(message) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
  };
}
