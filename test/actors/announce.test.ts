import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Announcer, createAnnouncer } from '../../src/actors/announce.ts';
import { createEventHub, type EventHub } from '../../src/actors/event-hub.ts';
import { type Journal, openJournal } from '../../src/actors/journal.ts';
import { makeStateDir, type StateDir, stateDirAt } from '../../src/actors/state-dir.ts';
import { exitsHeld, toldOf } from '../../src/actors/told.ts';
import { here } from '../../src/errands/errands.ts';
import type { Notice } from '../../src/machines/messages.ts';
import type { ShimClient } from '../../src/shim/client.ts';

let root: string;
let stateDir: StateDir;
let journal: Journal;
let hub: EventHub;
let announcer: Announcer;
let acknowledged: string[];
let logged: string[];
let isLost: boolean;
const open = () =>
  openJournal({ file: stateDir.journal, maxBytes: 1_000_000, maxAgeMs: 3_600_000, onTrouble: () => {} });
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'announce-'));
  stateDir = stateDirAt(root);
  await makeStateDir(stateDir);
  mkdirSync(stateDir.container('box'));
  journal = await open();
  hub = createEventHub(journal);
  acknowledged = [];
  logged = [];
  isLost = false;
  const shim: Partial<ShimClient> = {
    async ack({ container, process }) {
      if (isLost) throw new Error('lost');
      acknowledged.push(`${container} ${process}`);
    },
  };
  const log = pino({}, { write: (line: string) => logged.push(JSON.parse(line).msg) });
  announcer = createAnnouncer({ hub, shim: () => shim as ShimClient, errands: here, stateDir, log });
});
afterEach(async () => {
  await journal.close();
  rmSync(root, { recursive: true });
});

const notice = (of: Partial<Notice> = {}): Notice => ({
  type: 'exit',
  id: 'box',
  process: 'init',
  pid: 7,
  status: 3,
  unixNs: '1450266508000000001',
  ...of,
});
const boxInit = { key: { container: 'box', process: 'init' }, pid: 7, startTime: 1n };
const toldNow = () => toldOf(journal, new Set(['box']), pino({ level: 'silent' }));
async function told(): Promise<string[]> {
  const events: string[] = [];
  for await (const { type, pid } of journal.read(0n)) events.push(`${type} ${pid}`);
  return events;
}
const fileOf = (name: string): string => {
  const file = join(stateDir.container('box'), name);
  writeFileSync(file, '{}');
  return file;
};
const recent = (of: Partial<Notice> = {}) =>
  notice({ unixNs: String(BigInt(Date.now()) * 1_000_000n), ...of });

describe('an exit', () => {
  it('is acknowledged once it is in the journal, and not before', async () => {
    const file = fileOf('exec-1.json');
    announcer.announce(recent({ process: 'exec-1' }));
    expect(acknowledged).toEqual([]);
    await announcer.settled();
    expect(acknowledged).toEqual(['box exec-1']);
    expect(await told()).toEqual(['exit 7']);
    expect(existsSync(file)).toBe(false);
  });

  it('that a former daemon has told is acknowledged alone, and what comes under its name later is told', async () => {
    const exit = recent();
    announcer.announce(exit);
    await announcer.settled();
    announcer.leaveOut(await exitsHeld([boxInit], await toldNow()));
    announcer.announce(exit);
    announcer.announce({ ...exit, unixNs: `${exit.unixNs.slice(0, -1)}9` });
    await announcer.settled();
    expect(acknowledged).toHaveLength(3);
    expect(await told()).toEqual(['exit 7', 'exit 7']);
  });

  it('that a former daemon has told is not told again where its shim is lost before it tells it', async () => {
    const exit = recent();
    announcer.announce(exit);
    await announcer.settled();
    announcer.leaveOut(await exitsHeld([boxInit], await toldNow()));
    announcer.announce({ ...exit, status: 255, unixNs: '' });
    await announcer.settled();
    announcer.announce({ ...exit, status: 255, unixNs: '' });
    await announcer.settled();
    expect(await told()).toEqual(['exit 7', 'exit 7']);
  });

  it('of a process that nobody holds any more, or that was started again under its pid, is left out nowhere', async () => {
    announcer.announce(recent());
    announcer.announce(recent({ type: 'start', status: 0 }));
    announcer.announce(recent({ pid: 8 }));
    await announcer.settled();
    expect(await exitsHeld([boxInit], await toldNow())).toEqual([]);
  });

  it('that the journal has not taken when it is closed is the shim’s to keep', async () => {
    await journal.close();
    announcer.announce(recent());
    await announcer.settled();
    expect(acknowledged).toEqual([]);
    journal = await open();
  });

  it('that the shim tells again before it was acknowledged is told once, and acknowledged again', async () => {
    const exit = recent();
    announcer.announce(exit);
    announcer.announce(exit);
    await announcer.settled();
    expect(await told()).toEqual(['exit 7']);
    expect(acknowledged).toEqual(['box init', 'box init']);
  });

  it('whose acknowledgement was lost is not told again, and is the next time it comes from another', async () => {
    const exit = recent();
    isLost = true;
    announcer.announce(exit);
    await announcer.settled();
    isLost = false;
    announcer.announce(exit);
    await announcer.settled();
    expect(await told()).toEqual(['exit 7']);
    expect(acknowledged).toEqual(['box init']);
    announcer.announce({ ...exit, unixNs: `${exit.unixNs.slice(0, -1)}9` });
    await announcer.settled();
    expect(await told()).toEqual(['exit 7', 'exit 7']);
  });

  it('that cannot be acknowledged is in the log', async () => {
    isLost = true;
    announcer.announce(recent());
    await announcer.settled();
    expect(logged).toEqual(['an exit could not be acknowledged']);
  });
});

describe('a start', () => {
  it('is noted as told at once where its container is waited for, and no other', async () => {
    const file = fileOf('init.pid');
    announcer.announce(recent({ type: 'start', status: 0 }));
    await expect.poll(told).toEqual(['start 7']);
    await announcer.settled('another');
    expect(existsSync(file)).toBe(true);
    await announcer.settled('box');
    expect(existsSync(file)).toBe(false);
  });

  it.each(['start', 'exec'] as const)('is noted as told once it is in the journal: %s', async (type) => {
    const process = type === 'start' ? 'init' : 'exec-1';
    const file = fileOf(`${process}.pid`);
    announcer.announce(recent({ type, process, status: 0 }));
    expect(existsSync(file)).toBe(true);
    await announcer.settled();
    expect(existsSync(file)).toBe(false);
    expect(acknowledged).toEqual([]);
    expect(await (await toldNow()).of({ id: 'box', pid: 7 })).toMatchObject({ started: true });
  });
});

describe('the hub', () => {
  it('tells subscribers at once, numbers events on from the journal, and counts them', async () => {
    await hub.publish(recent());
    await journal.close();
    journal = await open();
    hub = createEventHub(journal);
    const heard: bigint[] = [];
    const leave = hub.subscribe(({ sequence }) => heard.push(sequence));
    const written = hub.publish(recent({ type: 'pause' }));
    expect(heard).toEqual([2n]);
    expect(await written).toBe(true);
    leave();
    leave();
    await hub.publish(recent());
    expect(heard).toEqual([2n]);
    expect([hub.countEvents(), hub.countSubscribers()]).toEqual([3, 0]);
  });

  it('tells everybody, though one leaves as it is told', async () => {
    const heard: string[] = [];
    const leave = hub.subscribe(() => {
      heard.push('first');
      leave();
    });
    hub.subscribe(() => heard.push('second'));
    await hub.publish(recent());
    await hub.publish(recent());
    await setImmediate();
    expect(heard).toEqual(['first', 'second', 'second']);
  });

  it('gives an event of its own time that, and another the present', async () => {
    const times: bigint[] = [];
    hub.subscribe(({ timestamp }) => times.push(timestamp));
    const before = BigInt(Date.now()) * 1_000_000n;
    await hub.publish(notice());
    await hub.publish(notice({ type: 'pause', unixNs: '' }));
    expect(times[0]).toBe(1450266508000000001n);
    expect(times[1]).toBeGreaterThanOrEqual(before);
  });
});

describe('an OOM kill', () => {
  const kept = () => readFileSync(join(stateDir.container('box'), 'oom-kills'), 'utf8');
  const oom = (kills: number) => notice({ type: 'oom', unixNs: '', kills });

  it('is counted for the next daemon once it is in the journal', async () => {
    announcer.announce(oom(1));
    announcer.announce(oom(2));
    await announcer.settled('box');
    expect([await told(), kept()]).toEqual([['oom 7', 'oom 7'], '2']);
  });

  it('that is not in the journal is told again by the next daemon', async () => {
    await journal.close();
    announcer.announce(oom(1));
    await announcer.settled('box');
    expect(kept).toThrow('ENOENT');
  });

  it('that could not be written down is said in the log', async () => {
    rmSync(stateDir.container('box'), { recursive: true });
    announcer.announce(oom(1));
    await announcer.settled('box');
    expect(logged).toEqual(['that an OOM kill was told could not be written down']);
  });
});
