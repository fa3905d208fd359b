import { describe, expect, it } from 'vitest';
import { processMachine } from '../../src/machines/process.ts';
import { eventsOf, invocationsOf, statesOf } from './fixtures/chart.ts';
import { PLAYED, play, processIn } from './fixtures/process-stage.ts';
import { create, resize } from './fixtures/requests.ts';
import { PlayedSystem, stopTheClock } from './fixtures/system.ts';
import { readTable, stateOf } from './fixtures/table.ts';

stopTheClock();

// The cells are those of container.table.ts; `running`, `failed` and `exited` is what the container is told. A process
// is told to end only once it runs.
const LIFE = `
                                       | runs                              | fails          | ends           | signal     | size       | terminate
---------------------------------------|-----------------------------------|----------------|----------------|------------|------------|----------
created.launching                      | running →running.alive            | failed →failed | →ended         | ✗noProcess | ✗noProcess | -
created.ended                          | running exited →exited            | failed →failed | ·              | ✗noProcess | ✗noProcess | -
created.ended, oom told                | running →running.counting         | failed →failed | ·              | ✗noProcess | ✗noProcess | -
running.alive                          | -                                 | -              | exited →exited | init<15    | init<size  | init<9
running.alive, oom told                | -                                 | -              | →counting      | init<15    | init<size  | init<9
running.alive, signalled               | -                                 | -              | →ending        | init<15    | init<size  | init<9
running.alive, resized                 | -                                 | -              | →ending        | init<15    | init<size  | init<9
running.alive, terminated              | -                                 | -              | exited →exited | init<15    | init<size  | init<9
running.ending                         | -                                 | -              | ·              | ✗noProcess | ✗noProcess | ·
running.ending, terminated             | -                                 | -              | ·              | ✗noProcess | ✗noProcess | ·
running.counting, oom told             | -                                 | -              | ·              | ✗noProcess | ✗noProcess | ·
running.counting, terminated, oom told | -                                 | -              | ·              | ✗noProcess | ✗noProcess | ·
`;

/** What is done to it for a request, `op`, or because the daemon ends. */
const EFFECTS = `
                                       | signal done        | signal fails             | size done          | size fails
---------------------------------------|--------------------|--------------------------|--------------------|-------------------------
created.launching                      | -                  | -                        | -                  | -
created.ended                          | -                  | -                        | -                  | -
running.alive                          | -                  | -                        | -                  | -
running.alive, signalled               | op✓                | op✗broken                | -                  | -
running.alive, resized                 | -                  | -                        | op✓                | op✗broken
running.alive, terminated              | ·                  | report                   | -                  | -
running.ending                         | op✓ exited →exited | op✗broken exited →exited | -                  | -
running.ending, oom told               | op✓ →counting      | op✗broken →counting      | -                  | -
running.ending, terminated             | ·                  | ·                        | op✓ exited →exited | op✗broken exited →exited
running.counting, terminated, oom told | ·                  | ·                        | -                  | -
`;

/** What the kernel has killed, where that is told. */
const OOM = `
                           | counted              | count fails
---------------------------|----------------------|-----------------------
created.launching          | -                    | -
created.ended              | -                    | -
running.alive              | -                    | -
running.ending             | -                    | -
running.counting, oom told | oom 3 exited →exited | report exited →exited
`;

const tables = [LIFE, EFFECTS, OOM].map(readTable);

describe('a process', () => {
  it.each(tables.flat())('does in $name what its table says', async ({ name, cells }) => {
    const seen: typeof cells = {};
    for (const column of Object.keys(cells)) seen[column] = await play(await processIn(name), column);
    expect(seen).toEqual(cells);
  });

  it('is answered each of several requests as it ends, in whatever order', async () => {
    const process = await processIn('running.alive, signalled');
    await process.does(() => process.send(resize({ requestId: 'size' })));
    expect(await process.ends('update', undefined, { output: undefined })).toBe('size✓');
    expect(await process.ends('signal', undefined, { output: undefined })).toBe('op✓');
  });
});

describe('the tables of the process', () => {
  it('have every state of the chart', () => {
    for (const table of tables) {
      expect([...new Set(table.map(stateOf))].sort()).toEqual(statesOf(processMachine).sort());
    }
  });

  it('have every event of the chart, in every column that it is played in', () => {
    const columns = tables.flatMap(([row]) => Object.keys(row?.cells ?? {}));
    expect(columns.sort()).toEqual(
      ['runs', 'fails', 'counted', 'count fails', ...new Set(Object.values(PLAYED).flat())].sort(),
    );
    expect(
      Object.keys(PLAYED)
        .filter((type) => !type.startsWith('xstate.'))
        .sort(),
    ).toEqual(eventsOf(processMachine));
    expect(invocationsOf(processMachine)).toEqual(['created: launch', 'running.counting: countOomKills']);
  });
});

describe('an exit that the shim tells again, of a former process of this name', () => {
  it('does not end the one that is being launched, whose own does', async () => {
    const played = await PlayedSystem.start();
    await played.ask(create());
    await played.exited({ pid: 99 });
    const pid = await played.launched();
    expect([played.told(), played.status()]).toEqual([['start'], 'running']);
    await played.exited({ pid });
    await played.effects.done('delete');
    expect(played.told()).toEqual(['start', 'exit']);
  });

  it('does not hide that the one that is being launched has ended', async () => {
    const played = await PlayedSystem.start();
    await played.ask(create());
    await played.exited({ pid: 99, status: 1 });
    await played.exited({ pid: 100, status: 2 });
    expect(await played.launched()).toBe(100);
    await played.effects.done('delete');
    expect(played.notices).toMatchObject([{ type: 'start' }, { type: 'exit', pid: 100, status: 2 }]);
  });
});
