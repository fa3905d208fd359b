import { createGate } from '../../gate.ts';

/*
 * What holds a thread of libuv's pool for as long as a disk takes has no more of the eight (scripts/launch.sh) than leaves
 * some for all else. A disk that has stopped stops what goes to disks, but no exit, no pipe and no start without a path.
 */

/** Copies to and from files. */
export const diskGate = createGate(2);

/** Paths of clients that are opened. */
export const openGate = createGate(4);
