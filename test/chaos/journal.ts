/** What the journal has to say, of a simulated daemon's or a real one's. */
export type Told = { type: string; id: string; pid: number; status: number };

/** The status of an exit that nobody saw: it is told once that is known, whatever was told meanwhile. */
const UNKNOWN_STATUS = 255;

/** A start that a client was told of. */
export type Started = { id: string; pid: number };

const nameOf = ({ id, pid }: Started): string => `${id}/${pid}`;

/**
 * What is wrong with a journal in the end: every process is told to have started once and then to have ended once, its
 * container's init first and last, and none that a client knows is missing.
 */
export function wrongWithJournal(journal: readonly Told[], acknowledged: readonly Started[]): string[] {
  const lives = new Map<string, string[]>();
  /** Of each container that runs, the processes that run. */
  const running = new Map<string, Set<number>>();
  const wrong: string[] = [];
  for (const { type, id, pid, status } of journal) {
    const processes = running.get(id) ?? new Set();
    if (type === 'start' && processes.size > 0) wrong.push(`${id} was told to start while it ran`);
    if (type === 'exec' && processes.size === 0)
      wrong.push(`exec ${nameOf({ id, pid })} was told before its init`);
    if (type === 'start' || type === 'exec') running.set(id, processes.add(pid));
    if (type === 'exit') {
      const [init] = processes;
      if (pid === init && processes.size > 1 && status !== UNKNOWN_STATUS)
        wrong.push(`${id} was told to end before its execs`);
      processes.delete(pid);
    }
    if (type !== 'start' && type !== 'exec' && type !== 'exit') continue;
    const life = lives.get(nameOf({ id, pid })) ?? [];
    life.push(type === 'exit' ? 'exit' : 'start');
    lives.set(nameOf({ id, pid }), life);
  }
  for (const [name, life] of lives)
    if (String(life) !== 'start,exit') wrong.push(`${name} was told as ${life.join(', ')}`);
  for (const started of acknowledged)
    if (!lives.has(nameOf(started))) wrong.push(`${nameOf(started)} was started, and never told of`);
  return wrong;
}
