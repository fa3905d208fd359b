import { counted } from '../cli/count.ts';
import type { WatchedContainer, WatchResponse } from '../generated/inspect.ts';
import { formatAge } from './age.ts';
import { formatBytes } from './stats-row.ts';

export const HEADER = ['ID', 'STATE', 'AGE', 'CPU', 'MEMORY'];

/** A container in the table; CPU in per cent of one, undefined until there are two samples. */
export type WatchRow = {
  id: string;
  state: string;
  pid: number;
  ageNs: bigint;
  cpuPercent: number | undefined;
  memoryBytes: bigint;
  cells: string[];
};

/** Makes rows of what the daemon says each second: CPU is that since the sample before. */
export function createWatchRows(): (answer: WatchResponse) => WatchRow[] {
  let before = new Map<string, { at: bigint; cpu: bigint; percent: number | undefined }>();
  return ({ containers, timestamp }) => {
    const now: typeof before = new Map();
    const rows = containers.map((container) => {
      const cpuPercent = cpuOf(container);
      const { id, state, pid, started, memory_bytes: memoryBytes, sampled } = container;
      return {
        id,
        state,
        pid,
        ageNs: started === 0n ? 0n : timestamp - started,
        cpuPercent,
        memoryBytes,
        cells: [
          id,
          state,
          formatAge(started, timestamp),
          cpuPercent === undefined ? '-' : `${cpuPercent.toFixed(1)}%`,
          sampled === 0n ? '-' : formatBytes(memoryBytes),
        ],
      };
    });
    before = now;
    return rows;

    function cpuOf({ id, pid, cpu_ns: cpu, sampled: at }: WatchedContainer): number | undefined {
      const key = `${id} ${pid}`;
      const last = before.get(key);
      if (at === 0n) return undefined;
      // No sample has come since.
      if (last?.at === at) {
        now.set(key, last);
        return last.percent;
      }
      const percent = last === undefined ? undefined : (Number(cpu - last.cpu) / Number(at - last.at)) * 100;
      now.set(key, { at, cpu, percent });
      return percent;
    }
  };
}

export type Order = 'id' | 'age' | 'cpu' | 'memory';

/** What somebody at a terminal sees of the rows, and how large it is. */
export type View = { columns: number; rows: number; order: Order; from: number };

const ORDERS: Record<Order, (a: WatchRow, b: WatchRow) => number> = {
  id: (a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
  age: (a, b) => Number(b.ageNs - a.ageNs),
  cpu: (a, b) => (b.cpuPercent ?? 0) - (a.cpuPercent ?? 0),
  memory: (a, b) => Number(b.memoryBytes - a.memoryBytes),
};

const BOLD = '\x1b[1m';
const DIM = '\x1b[2m';
const PLAIN = '\x1b[0m';
/** Lines that are no container's: what there is, the header, the keys. */
const FRAME_LINES = 4;

/** The lines of a terminal's screen, none of them wider, no more than it has; `view.from` is brought to where there are rows. */
export function screenOf(all: readonly WatchRow[], view: View): string[] {
  const { columns, rows, order } = view;
  const counts = new Map<string, number>();
  for (const { state } of all) {
    const [top = ''] = state.split('.', 1);
    counts.set(top, (counts.get(top) ?? 0) + 1);
  }
  const total = [
    counted(all.length, 'container'),
    ...[...counts].map(([state, count]) => `${count} ${state}`),
  ].join('  ');
  const room = Math.max(1, rows - FRAME_LINES);
  const first = Math.max(0, Math.min(view.from, all.length - room));
  view.from = first;
  const shown = all.toSorted(ORDERS[order]).slice(first, first + room);
  const widths = HEADER.map((name, n) =>
    Math.max(name.length, ...shown.map(({ cells }) => cells[n]?.length ?? 0)),
  );
  // What is left after the others goes to the id.
  const rest = widths.slice(1).reduce((sum, width) => sum + width + 2, 0);
  widths[0] = Math.max(8, Math.min(widths[0] ?? 0, columns - rest));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, n) =>
        n < 2 ? cell.slice(0, widths[n]).padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0),
      )
      .join('  ')
      .slice(0, columns);
  const more = all.length > room ? `  ${first + 1} to ${first + shown.length}` : '';
  return [
    `${BOLD}${total.slice(0, columns)}${PLAIN}`,
    `${DIM}${line(HEADER)}${PLAIN}`,
    ...shown.map(({ cells }) => line(cells)),
    '',
    `${DIM}${`i a c m: order by ${order}   q: leave${more}`.slice(0, columns)}${PLAIN}`,
  ].slice(0, rows);
}
