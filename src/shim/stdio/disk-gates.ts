import { createGate } from '../../gate.ts';

/*
 * What holds a thread of libuv's pool for as long as a disk takes has half of the four, each kind: a disk that has stopped
 * stops what is copied to disks, or the starts that have paths on them, but no exit, no pipe and no start without a path. More
 * threads would cost each start: 0.3 ms of CPU with eight.
 */

/** Copies to and from files. */
export const diskGate = createGate(2);

/** Paths of clients that are opened. */
export const openGate = createGate(2);
