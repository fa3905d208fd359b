import { checked } from './error.ts';
import { libc } from './libc.ts';

/** The same on every architecture (include/uapi/asm-generic/unistd.h). */
const SYS_PIDFD_SEND_SIGNAL = 424;
const SYS_PIDFD_OPEN = 434;

const killCall: (pid: number, signal: number) => number = libc.func('int kill(int pid, int signal)');
const syscall: (number: number, a: number, b: number, c: null, d: number) => number = libc.func(
  'long syscall(long number, long a, long b, void *c, long d)',
);

/** Sends a signal to a process, or to a process group where `pid` is negative; signal 0 only asks (kill(2)). */
export function kill(pid: number, signal: number): void {
  checked('kill', killCall(pid, signal));
}

/** A descriptor for a process, readable once it has ended; closed on exec (pidfd_open(2), Linux 5.3). */
export function pidfdOpen(pid: number): number {
  return checked('pidfd_open', syscall(SYS_PIDFD_OPEN, pid, 0, null, 0));
}

/** Sends a signal to the process that a pidfd stands for, whoever has its pid by now (pidfd_send_signal(2)). */
export function pidfdSendSignal(pidfd: number, signal: number): void {
  checked('pidfd_send_signal', syscall(SYS_PIDFD_SEND_SIGNAL, pidfd, signal, null, 0));
}
