import type { Socket } from 'node:net';
import { peerCredentials, programName } from '../linux/peer.ts';
import type { Peer } from '../machines/messages.ts';

/**
 * Who is at the other end of a connection: looked at once, as it is made. What grpc-js tells a call's handler of its
 * connection is the address of the peer, which a unix socket has none of; so that is where it is written.
 */

/** Gives a connection that was just made its peer for an address; where the kernel does not say, it stays without. */
export function introduce(socket: Socket): void {
  // Node has no public name for the descriptor of a socket.
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: number } | null };
  if (handle?.fd === undefined) return;
  try {
    const { pid, uid } = peerCredentials(handle.fd);
    const program = pid === 0 ? '' : programName(pid);
    Object.defineProperty(socket, 'remoteAddress', { value: `pid=${pid} uid=${uid} program=${program}` });
  } catch {
    // It is served all the same: nothing depends on who it is.
  }
}

const ADDRESS = /^pid=(\d+) uid=(\d+) program=(.*)$/s;

/** Whose call it is; undefined where nobody knows. */
export function peerOf(call: { getPeer(): string }): Peer | undefined {
  const found = ADDRESS.exec(call.getPeer());
  if (found === null) return undefined;
  const [, pid, uid, program = ''] = found;
  return { pid: Number(pid), uid: Number(uid), program };
}
