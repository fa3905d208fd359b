import { expect, it } from 'vitest';
import type { AnyActorRef, AnyEventObject, InspectionEvent } from 'xstate';
import type { Hearer } from '../../src/history/hear.ts';
import { createRecorder } from '../../src/history/recorder.ts';
import { isChart } from '../../src/history/sender.ts';
import { KILL } from '../../src/machines/messages.ts';
import { checkpoint, create, exec, pause, resume, signal } from '../machines/fixtures/requests.ts';
import { PlayedSystem } from '../machines/fixtures/system.ts';

/** What a reader calls an actor that XState says has sent an event. */
function nameOf(ref: AnyActorRef): string {
  if (ref._parent === undefined) return 'supervisor';
  if (!isChart(ref) && typeof ref.src === 'string') return ref.src;
  return ref._parent._parent === undefined ? 'container' : ref.id;
}

it('who sent an event is who XState says has', async () => {
  const recorder = createRecorder();
  const sent: { event: AnyEventObject; to: string; source: AnyActorRef }[] = [];
  const hearer: Hearer = {
    ...recorder.hearer,
    inspect(inspected: InspectionEvent) {
      if (inspected.type !== '@xstate.event' || inspected.sourceRef === undefined) return;
      const source = inspected.sourceRef as AnyActorRef;
      sent.push({ event: inspected.event, to: inspected.actorRef.sessionId, source });
    },
  };
  const pairs: [string, string, string][] = [];
  recorder.listen({
    stepped({ session }, { event, sender }) {
      const source = sent.find((it) => it.event === event && it.to === session)?.source;
      if (source !== undefined) pairs.push([event.type, sender, nameOf(source)]);
    },
  });
  const played = await PlayedSystem.running({ hearer });
  const { effects } = played;
  await played.ask(exec({ requestId: 'exec-1' }));
  await played.launched('exec-1');
  await played.ask(pause());
  await effects.done('pause', {});
  await played.ask(checkpoint());
  await effects.fail('checkpoint');
  await played.ask(resume());
  await effects.done('resume', {});
  await played.ask(signal({ signal: KILL }));
  await effects.done('signal', {});
  await played.exited({ process: 'exec-1', pid: 101 });
  await played.exited();
  await effects.done('delete', {});
  await played.ask(create({ id: 'd', requestId: 'd' }));
  await played.stop();
  expect(new Set(pairs.map(([, sender]) => sender))).toEqual(
    new Set([
      'restore',
      'container',
      'init',
      'exec-1',
      'launch',
      'pause',
      'checkpoint',
      'resume',
      'signal',
      'delete',
    ]),
  );
  for (const [type, sender, source] of pairs) expect(`${type} ${sender}`).toBe(`${type} ${source}`);
});
