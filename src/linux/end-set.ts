import { closeSync } from 'node:fs';
import { arch } from 'node:process';
import { checked, SystemError } from './error.ts';
import { libc } from './libc.ts';
import { pidfdOpen } from './signal.ts';

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLLIN = 1;

/** struct epoll_event is packed on x86-64 alone (include/uapi/linux/eventpoll.h). */
const DATA_OFFSET = arch === 'x64' ? 4 : 8;
const EVENT_SIZE = DATA_OFFSET + 8;
const MOST_EVENTS = 64;

const epollCreate: (flags: number) => number = libc.func('int epoll_create1(int flags)');
const epollControl: (epoll: number, operation: number, fd: number, event: Buffer) => number = libc.func(
  'int epoll_ctl(int epfd, int operation, int fd, void *event)',
);
const epollWait: (epoll: number, events: Buffer, count: number, timeoutMs: number) => number = libc.func(
  'int epoll_wait(int epfd, _Out_ void *events, int count, int timeoutMs)',
);

/** Processes of which it can be asked which have ended, at the same cost however many have not. */
export type EndSet = {
  /** Takes a process in; false where it cannot be: there is none, or there are as many as there may be, or no descriptor. */
  add(pid: number): boolean;
  /** Those that have ended, zombies or not. Each is told until it is taken out, 64 of them at a time. */
  ended(): number[];
  delete(pid: number): void;
};

/** Holds at most so many processes, by a pidfd each, in one epoll(7): a pidfd is readable once its process has ended. */
export function createEndSet(mostProcesses: number): EndSet {
  const epoll = checked('epoll_create1', epollCreate(EPOLL_CLOEXEC));
  const pidfds = new Map<number, number>();
  const events = Buffer.alloc(MOST_EVENTS * EVENT_SIZE);

  function hold(pid: number): number | undefined {
    try {
      return pidfdOpen(pid);
    } catch (error) {
      if (error instanceof SystemError) return undefined;
      throw error;
    }
  }
  return {
    add(pid) {
      if (pidfds.size >= mostProcesses || pidfds.has(pid)) return pidfds.has(pid);
      const pidfd = hold(pid);
      if (pidfd === undefined) return false;
      const event = Buffer.alloc(EVENT_SIZE);
      event.writeUInt32LE(EPOLLIN, 0);
      event.writeUInt32LE(pid, DATA_OFFSET);
      if (epollControl(epoll, EPOLL_CTL_ADD, pidfd, event) < 0) {
        closeSync(pidfd);
        return false;
      }
      pidfds.set(pid, pidfd);
      return true;
    },
    ended() {
      const count = checked('epoll_wait', epollWait(epoll, events, MOST_EVENTS, 0));
      return Array.from({ length: count }, (_, n) => events.readUInt32LE(n * EVENT_SIZE + DATA_OFFSET));
    },
    // Its only descriptor closed, the process leaves the epoll.
    delete(pid) {
      const pidfd = pidfds.get(pid);
      if (pidfd === undefined) return;
      pidfds.delete(pid);
      closeSync(pidfd);
    },
  };
}
