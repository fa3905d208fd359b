import { pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { createLogOutput } from './log-output.ts';

export type { Logger } from 'pino';

/** The daemon's log, on stderr: lines of JSON on a pipe, readable on a terminal. */
export function createLog({ debug }: { debug: boolean }) {
  const level = debug ? 'debug' : 'info';
  const stderr = createLogOutput(2);
  if (!process.stderr.isTTY) return pino({ name: 'containerd', level }, stderr);
  const pretty = prettyFactory({
    colorize: true,
    ignore: 'pid,hostname,name',
    translateTime: 'SYS:HH:MM:ss.l',
  });
  return pino({ name: 'containerd', level }, { write: (line: string) => stderr.write(pretty(line) ?? '') });
}
