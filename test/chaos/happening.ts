import fc from 'fast-check';
import type { Fault, Faulty } from '../../src/testing/simulated-host.ts';

/**
 * Something that happens to a daemon, its containers and what they stand on. `at` picks among what there is, and where
 * there is nothing, nothing happens: so every part of a list of them is a list too, and can be tried by itself.
 */
export type Happening =
  | { do: 'create'; id: number; restore: boolean }
  | { do: 'exec'; id: number }
  | { do: 'signal'; id: number; at: number; signal: number }
  | { do: 'pause' | 'resume'; id: number; signal: number }
  | { do: 'update'; id: number; at: number }
  | { do: 'checkpoint'; id: number; name: number; exit: boolean }
  | { do: 'deleteCheckpoint'; id: number; name: number }
  /** The client of a request that is under way has gone. */
  | { do: 'cancel'; at: number }
  /** What is under way goes on by so many steps. */
  | { do: 'go'; at: number; steps: number }
  | { do: 'pass'; ms: number }
  /** A process ends by itself, or is killed by somebody else. */
  | { do: 'end'; id: number; at: number }
  | { do: 'outOfMemory'; id: number; at: number }
  /** The next call of the runtime for this goes wrong. */
  | { do: 'break'; effect: Faulty; fault: Fault }
  | { do: 'killDaemon' | 'killShim' | 'stopDaemon' }
  /** Everything under way comes to its end, and all is looked at. */
  | { do: 'settle' };

/** Who is told as it happens. */
export type Watch = {
  /** Before each happening, by its place in the list. */
  happening?: (n: number) => void;
  /** Once all has happened, and what is left is to be ended. */
  ending?: () => void;
};

/** How many containers there are at most, and checkpoints of each. */
export const CONTAINERS = 4;
export const CHECKPOINTS = 2;

const TERM = 15;
const KILL = 9;
const id = fc.nat(CONTAINERS - 1);
const name = fc.nat(CHECKPOINTS - 1);
const at = fc.nat(31);
const one = <T extends string>(...all: T[]) => fc.constantFrom(...all);

/** One in three hundred is a kill of the daemon or the shim, and one in three lets what is under way go on. */
export const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({ do: one('create'), id, restore: fc.constantFrom(false, false, true) }),
  },
  { weight: 20, arbitrary: fc.record({ do: one('exec'), id }) },
  {
    weight: 12,
    arbitrary: fc.record({ do: one('signal'), id, at, signal: fc.constantFrom(0, TERM, KILL) }),
  },
  {
    weight: 20,
    arbitrary: fc.record({ do: one('pause', 'resume'), id, signal: fc.constantFrom(0, 0, 0, TERM, KILL) }),
  },
  { weight: 6, arbitrary: fc.record({ do: one('update'), id, at }) },
  { weight: 12, arbitrary: fc.record({ do: one('checkpoint'), id, name, exit: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ do: one('deleteCheckpoint'), id, name }) },
  { weight: 6, arbitrary: fc.record({ do: one('cancel'), at }) },
  { weight: 90, arbitrary: fc.record({ do: one('go'), at, steps: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 4, arbitrary: fc.record({ do: one('pass'), ms: fc.constantFrom(100, 15_000, 700_000) }) },
  { weight: 10, arbitrary: fc.record({ do: one('end', 'outOfMemory'), id, at }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: one('break'),
      effect: one<Faulty>('launch', 'signal', 'update', 'pause', 'resume', 'checkpoint', 'delete'),
      fault: one<Fault>('fails', 'dies', 'hangs'),
    }),
  },
  { weight: 10, arbitrary: fc.record({ do: one('killDaemon', 'killShim') }) },
  { weight: 2, arbitrary: fc.record({ do: one('stopDaemon') }) },
  { weight: 8, arbitrary: fc.record({ do: one('settle') }) },
);

/** A happening as a line of a trace: `signal id=1 at=0 signal=9`. */
export const formatHappening = ({ do: what, ...rest }: Happening): string =>
  [what, ...Object.entries(rest).map(([key, value]) => `${key}=${value}`)].join(' ');

const parseValue = (text: string): string | number | boolean =>
  text === 'true' || text === 'false' ? text === 'true' : /^\d+$/.test(text) ? Number(text) : text;

/** The happenings of a trace, one a line; what follows a `#` is passed over. */
export function parseTrace(text: string): Happening[] {
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim());
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const [what, ...rest] = line.split(/\s+/);
      const pairs = rest.map((word) => word.split('='));
      return { do: what, ...Object.fromEntries(pairs.map(([key, value = '']) => [key, parseValue(value)])) };
    }) as Happening[];
}

/** A trace that can be replayed. */
export const formatTrace = (happenings: readonly Happening[]): string =>
  happenings.map((it) => `${formatHappening(it)}\n`).join('');
