import { createGate } from '../../gate.ts';

/*
 * What may hold a thread of libuv's pool for as long as a disk takes, and takes no more of the eight (scripts/launch.sh)
 * than leaves some for all else: a disk that has stopped stops what goes to it, and nothing besides.
 */

/** Copies to and from files. */
export const diskGate = createGate(2);

/** Paths of clients that are opened. */
export const openGate = createGate(4);
