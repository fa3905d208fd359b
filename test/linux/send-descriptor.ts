import { closeSync } from 'node:fs';
import koffi from 'koffi';
import { checked } from '../../src/linux/error.ts';
import { libc } from '../../src/linux/libc.ts';

const iovec = koffi.struct({ base: 'void *', length: 'size_t' });
const msghdr = koffi.struct({
  name: 'void *',
  namelen: 'uint32_t',
  iov: koffi.pointer(iovec),
  iovlen: 'size_t',
  control: 'void *',
  controllen: 'size_t',
  flags: 'int',
});
const socket = libc.func('int socket(int domain, int type, int protocol)');
const connect = libc.func('int connect(int fd, const void *address, uint32_t byteLength)');
const sendmsg = libc.func('sendmsg', 'intptr_t', ['int', koffi.pointer(msghdr), 'int']);

/** Connects to a unix socket and sends one byte with the descriptors given, none possibly; then hangs up. */
export function sendDescriptors(path: string, ...descriptors: number[]): void {
  const fd = checked('socket', socket(1, 1, 0));
  const address = Buffer.alloc(110);
  address.writeUInt16LE(1);
  address.write(path, 2);
  checked('connect', connect(fd, address, address.length), path);
  const control = Buffer.alloc(16 + 8 * Math.ceil(descriptors.length / 2));
  control.writeBigUInt64LE(BigInt(16 + 4 * descriptors.length), 0);
  control.writeInt32LE(1, 8);
  control.writeInt32LE(1, 12);
  descriptors.forEach((descriptor, index) => {
    control.writeInt32LE(descriptor, 16 + 4 * index);
  });
  const some = descriptors.length > 0;
  checked(
    'sendmsg',
    sendmsg(
      fd,
      {
        name: null,
        namelen: 0,
        iov: { base: Buffer.from('x'), length: 1 },
        iovlen: 1,
        control: some ? control : null,
        controllen: some ? control.length : 0,
        flags: 0,
      },
      0,
    ),
  );
  closeSync(fd);
}
