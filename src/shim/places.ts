import { join } from 'node:path';

/** What the shim has in the state directory. */
export const socketPathIn = (stateDir: string): string => join(stateDir, 'shim.sock');
export const lockPathIn = (stateDir: string): string => join(stateDir, 'shim.lock');
export const logPathIn = (stateDir: string): string => join(stateDir, 'shim.log');

/** How the shim ends where another one serves the state directory already. */
export const ALREADY_SERVED = 3;
