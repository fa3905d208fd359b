import { createWebSocketReceiver } from '@statelyai/inspect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { createMachine } from 'xstate';
import { type Inspector, startInspector } from '../../src/inspector/server.ts';
import { type SimulatedSystem, startSimulatedSystem } from './simulated-system.ts';

type Told = {
  type: string;
  name?: string;
  sessionId: string;
  parentId?: string;
  rootId: string;
  definition?: string;
  event?: { type: string };
  snapshot?: { status: string; value: unknown; context: { id: string } };
};

let simulated: SimulatedSystem;
let inspector: Inspector;
beforeAll(async () => {
  simulated = await startSimulatedSystem();
  const { recorder } = simulated;
  inspector = await startInspector({
    onTrouble: () => {},
    host: '127.0.0.1',
    port: 0,
    id: 'm',
    recorder,
    secrets: false,
    page: '<!doctype html>',
  });
});
afterAll(() => inspector.close());

const addressOf = (path: string): string => inspector.url.replace('http:', 'ws:').replace('/?', `${path}?`);

/** Why a WebSocket is refused, as an HTTP status; 101 where it is not. */
const statusOf = (url: string, origin?: string) =>
  new Promise<number | undefined>((resolve) => {
    const socket = new WebSocket(url, { ...(origin && { origin }) });
    socket.on('open', () => {
      socket.close();
      resolve(101);
    });
    socket.on('unexpected-response', (_, { statusCode }) => {
      socket.terminate();
      resolve(statusCode);
    });
    socket.on('error', () => {});
  });

describe('the receiver of @statelyai/inspect', () => {
  it('is told of the actors that are there and of what they do', async () => {
    await simulated.start('web');
    const told: Told[] = [];
    createWebSocketReceiver({ server: addressOf('/stately') }).subscribe((event) => {
      told.push(event as unknown as Told);
    });
    await expect.poll(() => told.filter(({ type }) => type === '@xstate.actor')).toHaveLength(3);
    const [supervisor, container, process] = told.filter(({ type }) => type === '@xstate.actor');
    expect([supervisor?.name, container?.name, process?.name]).toEqual(['supervisor', 'web', 'init']);
    expect(container?.parentId).toBe(supervisor?.sessionId);
    expect(process?.parentId).toBe(container?.sessionId);
    expect(process?.rootId).toBe(supervisor?.sessionId);

    await simulated.pause('web');
    const states = () =>
      told
        .filter(({ type, sessionId }) => type === '@xstate.snapshot' && sessionId === container?.sessionId)
        .map(({ snapshot }) => snapshot?.value);
    await expect.poll(() => states()).toContainEqual({ paused: 'steady' });
    expect(states()).toEqual([{ running: 'steady' }, { running: 'pausing' }, { paused: 'steady' }]);
    expect(told.some(({ type, event }) => type === '@xstate.event' && event?.type === 'update')).toBe(true);
    expect(JSON.stringify(told)).not.toContain('hunter2');
  });

  it('is given charts that XState takes', async () => {
    const told: Told[] = [];
    createWebSocketReceiver({ server: addressOf('/stately') }).subscribe((event) => {
      told.push(event as unknown as Told);
    });
    await expect.poll(() => told.length).toBeGreaterThan(2);
    for (const { definition, snapshot } of told.filter(({ type }) => type === '@xstate.actor')) {
      const machine = createMachine(JSON.parse(definition ?? '{}'));
      expect(() => machine.resolveState({ value: snapshot?.value as string })).not.toThrow();
    }
  });
});

describe('a stream', () => {
  it('is opened by whoever has the token, by our own page, and by Stately’s', async () => {
    const { origin } = new URL(inspector.url);
    expect(await statusOf(addressOf('/stately'))).toBe(101);
    expect(await statusOf(addressOf('/stately'), origin)).toBe(101);
    expect(await statusOf(addressOf('/stately'), 'https://stately.ai')).toBe(101);
    expect(await statusOf(addressOf('/live'), origin)).toBe(101);
  });

  it('is refused to everybody else', async () => {
    expect(await statusOf(addressOf('/stately').replace(/token=.*/, ''))).toBe(401);
    expect(await statusOf(addressOf('/live').replace(/token=.*/, 'token=x'))).toBe(401);
    expect(await statusOf(addressOf('/live'), 'https://stately.ai')).toBe(403);
    expect(await statusOf(addressOf('/stately'), 'https://evil.example')).toBe(403);
    expect(await statusOf(addressOf('/other'))).toBe(404);
  });
});

describe('a page', () => {
  it('is there with the token alone, and may not be kept or framed', async () => {
    const answer = await fetch(inspector.url);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('x-frame-options')).toBe('DENY');
    expect((await fetch(new URL('/', inspector.url))).status).toBe(401);
    expect((await fetch(inspector.url, { method: 'POST' })).status).toBe(405);
    expect((await fetch(inspector.url.replace('/?', '/etc/passwd?'))).status).toBe(404);
  });
});
