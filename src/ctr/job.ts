import type { Command } from 'commander';
import type { Daemon } from './daemon.ts';

/** What a command does its work with. */
export type Session = {
  daemon: Daemon;
  /** `write` resolves once a reader that is slow has taken so much that it may have more. */
  stdout: { write(text: string): Promise<void>; isTTY?: boolean };
  /** Tells the user something beside what the command prints. */
  warn: (text: string) => void;
};

/** The work of a command, once its arguments are known; gives the exit status of `ctr`. */
export type Job = (session: Session) => Promise<number>;

/** Takes the work of the command that was asked for. */
export type Take = (job: Job) => void;

/** Adds one command to its group. */
export type AddCommand = (group: Command, take: Take) => void;
