import type { Command } from 'commander';
import { complaintOf } from '../src/cli/program.ts';

/** The flags of a program that takes no arguments besides. Ends it where they are wrong, or its help was asked for. */
export function flagsOf<Flags extends object>(program: Command): Flags {
  try {
    return program.parse().opts<Flags>();
  } catch (thrown) {
    const complaint = complaintOf(thrown);
    if (complaint !== undefined) process.stderr.write(`[${program.name()}] ${complaint}\n`);
    process.exit(complaint === undefined ? 0 : 1);
  }
}
