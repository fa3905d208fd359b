import { describe, expect, it } from 'vitest';
import { supervisorMachine } from '../../src/machines/supervisor.ts';
import { eventsOf, invocationsOf, statesOf, timedStatesOf } from './fixtures/chart.ts';
import { PLAYED, play, supervisorIn } from './fixtures/supervisor-columns.ts';
import { readTable, stateOf } from './fixtures/table.ts';

// The supervisor with room for one start, the container `c` where it is said to be, and never one `d`. The cells are
// those of container.table.ts; `c<exec` is what is sent to a container, `all<15` to all of them that they are to end,
// `new` `adopt` `forget` `abandon` what becomes of one.

const REQUESTS = `
                    | create c     | create d     | exec in c  | exec in d  | signal c   | signal d
--------------------|--------------|--------------|------------|------------|------------|-----------
restoring.looking   | ✗restoring   | ✗restoring   | ✗restoring | ✗restoring | ✗restoring | ✗restoring
restoring.toStop    | ✗restoring   | ✗restoring   | ✗restoring | ✗restoring | ✗restoring | ✗restoring
running             | new c c<slot | new d d<slot | ✗none      | ✗none      | ✗none      | ✗none
running, c starting | ✗exists      | new d        | c<exec     | ✗none      | c<signal   | ✗none
stopping.asking     | ✗stopped     | ✗stopped     | ✗stopped   | ✗stopped   | c<signal   | ✗none
stopping.killing    | ✗stopped     | ✗stopped     | ✗stopped   | ✗stopped   | c<signal   | ✗none
leaving             | ✗stopped     | ✗stopped     | ✗stopped   | ✗stopped   | ✗stopped   | ✗stopped
`;

const OTHER_REQUESTS = `
                    | update c   | size of c       | checkpoint c | delete of c
--------------------|------------|-----------------|--------------|-------------------
restoring.looking   | ✗restoring | ✗restoring      | ✗restoring   | ✗restoring
restoring.toStop    | ✗restoring | ✗restoring      | ✗restoring   | ✗restoring
running             | ✗none      | ✗none           | ✗none        | ✗none
running, c starting | c<update   | c<updateProcess | c<checkpoint | c<deleteCheckpoint
stopping.asking     | ✗stopped   | ✗stopped        | ✗stopped     | ✗stopped
stopping.killing    | ✗stopped   | ✗stopped        | ✗stopped     | ✗stopped
leaving             | ✗stopped   | ✗stopped        | ✗stopped     | ✗stopped
`;

const NEWS = `
                    | cancel of c | cancel of d | end in c      | end in d
--------------------|-------------|-------------|---------------|----------
restoring.looking   | ·           | ·           | waits         | waits
restoring.toStop    | ·           | ·           | waits         | waits
running             | ·           | ·           | stray c       | stray d
running, c starting | c<cancel    | ·           | c<shim.exited | stray d
stopping.asking     | c<cancel    | ·           | c<shim.exited | stray d
stopping.killing    | c<cancel    | ·           | c<shim.exited | stray d
leaving             | c<cancel    | ·           | c<shim.exited | stray d
`;

const TURNS = `
                              | slot of c | stop
------------------------------|-----------|------------------------
restoring.looking             | ·         | →restoring.toStop
restoring.toStop              | ·         | ·
running                       | ·         | all<15 →stopped
running, c starting           | ·         | all<15 →stopping.asking
running, c starting, e queued | e<slot    | all<15 →stopping.asking
stopping.asking               | ·         | all<9 →stopping.killing
stopping.killing              | ·         | ·
running, to be left           | e<slot    | e<terminate →leaving
leaving                       | ·         | abandon all →left
`;

/** The end of a container's actor, which one that is there alone can come to. */
const ENDS = `
                              | c is gone                         | c never ran                 | c fails
------------------------------|-----------------------------------|-----------------------------|-----------------------------------
running, c starting           | forget c abandon c !exit          | forget c abandon c          | forget c abandon c report
running, c starting, e queued | forget c abandon c !exit e<slot   | forget c abandon c e<slot   | forget c abandon c report e<slot
stopping.asking               | forget c abandon c !exit →stopped | forget c abandon c →stopped | forget c abandon c report →stopped
stopping.asking, e queued     | forget c abandon c !exit          | forget c abandon c          | forget c abandon c report
stopping.killing              | forget c abandon c !exit →stopped | forget c abandon c →stopped | forget c abandon c report →stopped
`;

/** What has become of the containers of a former daemon. */
const RESTORE = `
                           | nothing found           | c found                                 | c found untold                                 | fails
---------------------------|-------------------------|-----------------------------------------|------------------------------------------------|-------------------------------
restoring.looking          | →running                | adopt c →running                        | adopt c !start →running                        | report →running
restoring.looking, c ended | stray c →running        | adopt c c<shim.exited →running          | adopt c !start c<shim.exited →running          | report stray c →running
restoring.looking, d ended | stray d →running        | adopt c stray d →running                | adopt c !start stray d →running                | report stray d →running
restoring.toStop           | all<15 →stopped         | adopt c all<15 →stopping.asking         | adopt c !start all<15 →stopping.asking         | report all<15 →stopped
restoring.toStop, d ended  | stray d all<15 →stopped | adopt c stray d all<15 →stopping.asking | adopt c !start stray d all<15 →stopping.asking | report stray d all<15 →stopped
`;

const byEvent = [REQUESTS, OTHER_REQUESTS, NEWS, TURNS].map(readTable);
const ends = readTable(ENDS);

describe('the supervisor', () => {
  it.each([...byEvent, ends, readTable(RESTORE)].flat())(
    'does in $name what its table says',
    ({ name, cells }) => {
      const seen = Object.keys(cells).map((column) => [column, play(supervisorIn(name), column)]);
      expect(Object.fromEntries(seen)).toEqual(cells);
    },
  );

  it('kills what has not ended ten seconds after it was asked to', () => {
    expect(play(supervisorIn('stopping.asking'), 'ten seconds')).toBe('all<9 →stopping.killing');
  });
});

describe('a supervisor that leaves its containers', () => {
  it.each(['answered', 'ten seconds on'])('has left them once %s', (column) => {
    expect(play(supervisorIn('leaving'), column)).toBe('abandon all →left');
  });

  it('goes on with their ends until then', () => {
    expect(play(supervisorIn('leaving'), 'c is gone')).toBe('forget c abandon c !exit');
  });
});

describe('the tables of the supervisor', () => {
  it('have every state of the chart', () => {
    for (const table of byEvent) {
      expect([...new Set(table.map(stateOf))].sort()).toEqual(statesOf(supervisorMachine).sort());
    }
  });

  it('have every event of the chart, in every column that it is played in', () => {
    const columns = [...byEvent, ends].flatMap(([row]) => Object.keys(row?.cells ?? {}));
    expect(columns.sort()).toEqual(Object.values(PLAYED).flat().sort());
    expect(
      Object.keys(PLAYED)
        .filter((type) => !type.startsWith('xstate.'))
        .sort(),
    ).toEqual(eventsOf(supervisorMachine));
  });

  it('have the effect that the chart invokes, and the state that time ends', () => {
    expect(invocationsOf(supervisorMachine)).toEqual(['restoring: restore', 'leaving: answerAll']);
    expect(timedStatesOf(supervisorMachine)).toEqual(['stopping.asking', 'leaving']);
  });

  it('leave no request unanswered', () => {
    const unanswered = [REQUESTS, OTHER_REQUESTS]
      .flatMap(readTable)
      .filter(({ cells }) => Object.values(cells).some((cell) => cell === '-' || cell === '·'));
    expect(unanswered).toEqual([]);
  });
});
