import { closeSync, fchmodSync } from 'node:fs';
import { constants } from 'node:os';
import koffi from 'koffi';
import { checked, SystemError } from './error.ts';
import { libc } from './libc.ts';
import { type FdWatch, watchFd } from './watch.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC;
/** sun_path of sockaddr_un holds 108 bytes, a NUL among them (unix(7)). */
const PATH_BYTES = 108;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
/** struct cmsghdr: length, level, type; then the descriptors (cmsg(3)). */
const CMSG_HEADER_BYTES = 16;
const CONTROL_BYTES = 256;
const DATA_BYTES = 4096;
/** How long to wait where a connection is there that cannot be taken. */
const ACCEPT_AGAIN_MS = 100;

const iovec = koffi.struct({ iov_base: 'void *', iov_len: 'size_t' });
const msghdr = koffi.struct({
  msg_name: 'void *',
  msg_namelen: 'uint32_t',
  msg_iov: koffi.pointer(iovec),
  msg_iovlen: 'size_t',
  msg_control: 'void *',
  msg_controllen: 'size_t',
  msg_flags: 'int',
});

const socket: (domain: number, type: number, protocol: number) => number = libc.func(
  'int socket(int domain, int type, int protocol)',
);
const bind: (fd: number, address: Buffer, byteLength: number) => number = libc.func(
  'int bind(int fd, const void *address, uint32_t byteLength)',
);
const listen: (fd: number, backlog: number) => number = libc.func('int listen(int fd, int backlog)');
const accept4: (fd: number, address: null, byteLength: null, flags: number) => number = libc.func(
  'int accept4(int fd, void *address, void *byteLength, int flags)',
);
const recvmsg: (fd: number, message: object, flags: number) => number = libc.func('recvmsg', 'intptr_t', [
  'int',
  koffi.inout(koffi.pointer(msghdr)),
  'int',
]);

function bindTo(fd: number, path: string): void {
  const bytes = Buffer.from(path);
  if (bytes.length >= PATH_BYTES || bytes.includes(0)) {
    throw new SystemError('bind', constants.errno.ENAMETOOLONG, path);
  }
  const address = Buffer.alloc(2 + PATH_BYTES);
  address.writeUInt16LE(AF_UNIX);
  bytes.copy(address, 2);
  // The mode of an unbound socket becomes that of the file which bind makes.
  fchmodSync(fd, 0o600);
  checked('bind', bind(fd, address, address.length), path);
}

/** Descriptors in a control message, the kernel's own byte order. */
function descriptorsIn(control: Buffer): number[] {
  if (control.length < CMSG_HEADER_BYTES) {
    return [];
  }
  const byteLength = Math.min(Number(control.readBigUInt64LE(0)), control.length);
  if (control.readInt32LE(8) !== SOL_SOCKET || control.readInt32LE(12) !== SCM_RIGHTS) {
    return [];
  }
  const descriptors: number[] = [];
  for (let offset = CMSG_HEADER_BYTES; offset + 4 <= byteLength; offset += 4) {
    descriptors.push(control.readInt32LE(offset));
  }
  return descriptors;
}

/** Receives what is there on a connection: its descriptors; undefined where nothing has come yet. */
function receive(connection: number): number[] | undefined {
  const control = Buffer.alloc(CONTROL_BYTES);
  const message = {
    msg_name: null,
    msg_namelen: 0,
    msg_iov: { iov_base: Buffer.alloc(DATA_BYTES), iov_len: DATA_BYTES },
    msg_iovlen: 1,
    msg_control: control,
    msg_controllen: CONTROL_BYTES,
    msg_flags: 0,
  };
  if (recvmsg(connection, message, MSG_CMSG_CLOEXEC) < 0) {
    const errno = koffi.errno();
    if (errno === constants.errno.EAGAIN) {
      return undefined;
    }
    throw new SystemError('recvmsg', errno);
  }
  return descriptorsIn(control.subarray(0, Number(message.msg_controllen)));
}

export type DescriptorSocket = {
  /** Looks at once, for a caller who knows that the descriptor has been sent by now. */
  poll(): void;
  /** Ends the wait; the file is left to whoever chose its path. */
  close(): void;
};

/**
 * Listens on a unix socket (mode 0600) for one peer that sends one descriptor, as runc does with a terminal's master
 * on its `--console-socket` (SCM_RIGHTS of unix(7)). `onDescriptor` gets it, closed on exec and to be closed by whom it
 * is given; peers that send none are hung up on. Throws a `SystemError` where it cannot listen (EADDRINUSE,
 * ENAMETOOLONG, …).
 */
export function receiveDescriptor(path: string, onDescriptor: (fd: number) => void): DescriptorSocket {
  const listener = checked('socket', socket(AF_UNIX, SOCK_STREAM | FLAGS, 0));
  const open = new Map<number, FdWatch>();
  const end = (fd: number): void => {
    open.get(fd)?.close();
    if (open.delete(fd)) {
      closeSync(fd);
    }
  };
  const close = (): void => {
    for (const fd of [...open.keys()]) {
      end(fd);
    }
  };
  const onMessage = (connection: number): void => {
    if (!open.has(connection)) {
      return;
    }
    let descriptors: number[] | undefined;
    try {
      descriptors = receive(connection);
    } catch {
      descriptors = [];
    }
    if (descriptors === undefined) {
      return;
    }
    const [first, ...surplus] = descriptors;
    surplus.forEach((fd) => {
      closeSync(fd);
    });
    if (first === undefined) {
      end(connection);
      return;
    }
    close();
    onDescriptor(first);
  };
  try {
    bindTo(listener, path);
    checked('listen', listen(listener, 1), path);
  } catch (error) {
    closeSync(listener);
    throw error;
  }
  const onConnection = (): void => {
    const connection = accept4(listener, null, null, FLAGS);
    if (connection >= 0) {
      open.set(
        connection,
        watchFd(connection, { readable: true }, () => onMessage(connection)),
      );
    } else if (koffi.errno() !== constants.errno.EAGAIN) {
      // As out of descriptors: whoever connects waits, and so do we.
      open.get(listener)?.expect({});
      setTimeout(() => open.get(listener)?.expect({ readable: true }), ACCEPT_AGAIN_MS);
    }
  };
  open.set(listener, watchFd(listener, { readable: true }, onConnection));
  return {
    poll() {
      if (open.has(listener)) {
        onConnection();
      }
      for (const fd of [...open.keys()].filter((fd) => fd !== listener)) {
        onMessage(fd);
      }
    },
    close,
  };
}
