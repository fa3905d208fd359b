import { pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { createLogOutput, type LogOutput } from './log-output.ts';

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
  const readable: LogOutput = { ...stderr, write: (line) => stderr.write(pretty(line) ?? '') };
  return pino({ name: 'containerd', level }, readable);
}
