import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { eventOfLine } from '../../src/actors/journal-lines.ts';
import { type Replayed, replay } from '../../src/charts/replay.ts';
import { runChartCommand } from '../../src/containerd-charts.ts';

/** What a daemon on runc wrote: pauses, a checkpoint, execs, and three containers that end. */
const journal = new URL('./fixtures/events.jsonl', import.meta.url);
const lines = (await readFile(journal, 'utf8')).trimEnd().split('\n');

/** The journal with other lines in it, numbered again. */
const replayed = (of: string[], first = 1): Promise<Replayed> =>
  replay(
    of.flatMap((line, n) => {
      const event = eventOfLine(line);
      return event === undefined ? [] : [{ ...event, sequence: BigInt(n + first) }];
    }),
  );
const line = (type: string, id: string, pid = 1) =>
  JSON.stringify({ sequence: '0', timestamp: '0', type, id, pid });
const partings = async (of: string[], first?: number) =>
  (await replayed(of, first)).partings.map(({ sequence, state, why }) => `${sequence}: ${state}: ${why}`);

it('the journal of a real daemon and the charts part nowhere', async () => {
  expect(await replayed(lines)).toEqual({ events: lines.length, containers: 3, unknown: [], partings: [] });
});

it.each([
  [
    'a pause of what is paused',
    [line('start', 'a'), line('pause', 'a'), line('pause', 'a')],
    '3: paused.steady: the chart tells no pause in this state',
  ],
  [
    'an exec in what is paused',
    [line('start', 'a'), line('pause', 'a'), line('exec', 'a', 2)],
    '3: paused.steady: the chart tells no exec in this state',
  ],
  [
    'a second start',
    [line('start', 'a'), line('start', 'a')],
    '2: running.steady: a container of this id is there already',
  ],
  [
    'a second exit',
    [line('start', 'a'), line('exit', 'a'), line('exit', 'a')],
    '3: not there: no container of this id has started',
  ],
  [
    'an exit of a stranger',
    [line('start', 'a'), line('exit', 'a', 7)],
    '2: running.steady: no process of it has the pid 7',
  ],
  ['a resume before a start', [line('resume', 'a')], '1: not there: no container of this id has started'],
])('%s is where they part', async (_, of, why) => {
  expect(await partings(of)).toEqual([why]);
});

it('what is missing in between is said', async () => {
  const events = [lines[0], lines[2]].flatMap((it) => eventOfLine(it ?? '') ?? []);
  expect((await replay(events)).partings[0]).toMatchObject({
    sequence: 3n,
    why: 'its number follows 1: events between them are missing',
  });
});

it('containers that began before the journal does are passed over, until their id starts again', async () => {
  const of = [line('pause', 'a'), line('exit', 'a'), line('start', 'a', 2), line('exit', 'a', 2)];
  expect(await replayed(of, 9)).toEqual({ events: 4, containers: 1, unknown: [], partings: [] });
  expect((await replayed(of.slice(0, 2), 9)).unknown).toEqual(['a']);
});

it('init’s exit before that of an exec is that of a daemon that waited long enough', async () => {
  const of = [
    line('start', 'a'),
    line('exec', 'a', 2),
    line('exit', 'a'),
    line('exit', 'a', 2),
    line('start', 'a', 3),
  ];
  expect(await partings(of)).toEqual([]);
});

it('the command says where, and its status whether', async () => {
  const file = fileURLToPath(journal);
  const replayOf = (journal: string, json: boolean) => runChartCommand({ name: 'replay', journal, json });
  expect(await replayOf(file, false)).toEqual({
    status: 0,
    stdout: `${lines.length} events of 3 containers: journal and charts part nowhere\n`,
    stderr: '',
  });
  const { stdout } = await replayOf(file, true);
  expect(JSON.parse(stdout)).toEqual({ events: lines.length, containers: 3, unknown: [], partings: [] });
  expect(await replayOf(`${file}.none`, false)).toMatchObject({ status: 1, stdout: '' });
});
