import { pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { printableLines } from './cli/printable.ts';
import { createLineOutput, type LineOutput } from './line-output.ts';

const lostLine = (count: number): string =>
  `${JSON.stringify({ level: 40, msg: `${count} lines of the log were lost` })}\n`;

export type { Logger } from 'pino';

/** The daemon's log, on stderr: lines of JSON on a pipe, readable on a terminal. */
export function createLog({ debug }: { debug: boolean }) {
  const level = debug ? 'debug' : 'info';
  const stderr = createLineOutput(2, lostLine);
  if (!process.stderr.isTTY) return pino({ name: 'containerd', level }, stderr);
  const pretty = prettyFactory({
    colorize: true,
    ignore: 'pid,hostname,name',
    translateTime: 'SYS:HH:MM:ss.l',
  });
  // An error may be in words that a container has chosen.
  const harmless = (_: string, value: unknown) => (typeof value === 'string' ? printableLines(value) : value);
  const write = (line: string) => stderr.write(pretty(JSON.parse(line, harmless)) ?? '');
  const readable: LineOutput = { ...stderr, write };
  return pino({ name: 'containerd', level }, readable);
}
