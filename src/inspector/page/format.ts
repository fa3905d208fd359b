import { topOf } from '../../history/recorded.ts';

/** Words for times and states. */

/** `850 ms`, `4.2 s`, `3 m 20 s`, `5 h 12 m`, `2 d 3 h`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} m ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} m` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** The time of day, to the millisecond. */
export function clock(ms: number): string {
  const date = new Date(ms);
  const two = (number: number) => String(number).padStart(2, '0');
  const milliseconds = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds}`;
}

/** The states of a container's top level, in the order of its life. */
export const STATES = ['created', 'running', 'paused', 'checkpointed', 'exited'];

/** The colour that stands for a state. */
export const colourOf = (state: string): string => `var(--${topOf(state)}, var(--running))`;
