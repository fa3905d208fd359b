import {
  type ActorOptions,
  type AnyActorLogic,
  type AnyActorRef,
  createActor,
  fromCallback,
  fromPromise,
  type InspectionEvent,
  type Observer,
  waitFor,
} from 'xstate';
import { type Failure, failure } from '../errors.ts';
import { type Hearer, hearSteps } from '../history/hear.ts';
import { adoptedSnapshot } from '../machines/adopt.ts';
import { containerMachine } from '../machines/container.ts';
import type { CheckpointInput, DeleteCheckpointInput, PauseInput } from '../machines/container-model.ts';
import { effectOf } from '../machines/effect.ts';
import type { Launched } from '../machines/messages.ts';
import {
  type Asked,
  type Notice,
  type Outcome,
  type OutOfMemory,
  type Reply,
  refused,
  type ShimExited,
} from '../machines/messages.ts';
import { processMachine } from '../machines/process.ts';
import type { LaunchInput, OomInput, SignalInput, UpdateInput } from '../machines/process-model.ts';
import { supervisorMachine } from '../machines/supervisor.ts';
import type { OnStop, Restored, ToContainer } from '../machines/supervisor-model.ts';
import { hearEndsByKind } from './child-ends.ts';
import { type ContainerView, Listed } from './listed.ts';

/**
 * What the charts have done for them. Each takes plain data, heeds the signal where leaving early is safe, and
 * throws a ContainerdError (anything else is answered as `internal`).
 */
export type Effects = {
  restore(): Promise<Restored>;
  launch(input: LaunchInput): Promise<Launched>;
  signal(input: SignalInput): Promise<void>;
  update(input: UpdateInput): Promise<void>;
  pause(input: PauseInput): Promise<void>;
  resume(input: PauseInput): Promise<void>;
  killFrozen(input: PauseInput): Promise<void>;
  checkpoint(input: CheckpointInput): Promise<void>;
  deleteCheckpoint(input: DeleteCheckpointInput): Promise<void>;
  delete(input: { id: string }): Promise<void>;
};

/** What the kernel killed in a container for want of memory, by the kernel's own count. */
export type OomPorts = {
  /** The count now; 0 once the container's cgroup is gone. */
  count(input: OomInput): Promise<number>;
  /** Calls back with the count at first, and whenever it may have risen; returns how to end that. */
  watch(input: OomInput, onKills: (kills: number) => void): () => void;
};

/** Where the system says what happens. */
export type SystemPorts = {
  effects: Effects;
  /** Only where subscribers are told of OOM kills. */
  oom?: OomPorts;
  publish(notice: Notice): void;
  /** Something went wrong that no client hears of. */
  report(what: string, about: Failure): void;
  /** A process was reaped that no container knows. */
  stray(exited: ShimExited): void;
};

/** The supervisor, its containers and their processes, running. */
export type System = {
  /** Hands a request to the supervisor; the promise has its one answer and never rejects. */
  request(request: Asked): Promise<Outcome>;
  /** The client that asked has gone away. */
  cancel(id: string, requestId: string): void;
  /** The shim reaped a process. */
  exited(exited: ShimExited): void;
  /** Ends the containers or leaves them, as it was told at its start, then ends; asked again, it does so at once. */
  stop(): void;
  /** Resolves once the containers of a former daemon have been taken up: before, they are not listed. */
  restored: Promise<void>;
  /** Resolves once every container has ended after `stop`, or is left. */
  stopped: Promise<void>;
  /** The containers that a client can see. */
  list(): ContainerView[];
  find(id: string): ContainerView | undefined;
  /** Calls back once a container that is there now has gone, before anybody is told of its exit; returns how to end that. */
  onGone(id: string, gone: () => void): () => void;
  /** How many actors there are: the supervisor, the containers and their processes. */
  countActors(): number;
};

type Clock = NonNullable<ActorOptions<AnyActorLogic>['clock']>;

const watchOom = ({ watch }: OomPorts) =>
  fromCallback<OutOfMemory, OomInput>(({ input, sendBack }) =>
    watch(input, (kills) => sendBack({ type: 'oom', kills } satisfies OutOfMemory)),
  );

/** Puts the effects into the charts and starts the root actor. */
export function startSystem(
  { effects, oom, publish, report, stray }: SystemPorts,
  options: {
    concurrency: number;
    onStop: OnStop;
    /** Hears of what the actors of the charts do. */
    hearer?: Hearer;
    inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void);
    /** What the delays of the charts go by; the machine's own clock unless given. */
    clock?: Clock;
  },
): System {
  const containers = new Map<string, Listed>();
  const waiting = new Map<string, { id: string; answer: (outcome: Outcome) => void }>();
  /** What waits, by container. */
  const asked = new Map<string, Set<string>>();
  const allAnswered: (() => void)[] = [];

  const { hearer } = options;
  /** An action that tells somebody outside the charts something. */
  const telling =
    <Params>(type: string, tell: (params: Params) => void) =>
    ({ self }: { self: AnyActorRef }, params: Params) => {
      hearer?.said(self, type, params);
      tell(params);
    };

  const answer = ({ requestId, outcome }: Reply) => {
    // What a former daemon was asked has nobody left to answer.
    if (requestId === '') {
      if (!outcome.ok) report('what a former daemon was asked failed', outcome.failure);
      return;
    }
    const request = waiting.get(requestId);
    if (request === undefined) return report(`request ${requestId} was answered twice`, failure('internal'));
    waiting.delete(requestId);
    const others = asked.get(request.id);
    others?.delete(requestId);
    if (others?.size === 0) asked.delete(request.id);
    request.answer(outcome);
    if (waiting.size === 0) for (const resolve of allAnswered.splice(0)) resolve();
  };
  const provided = {
    reply: telling('reply', answer),
    report: telling('report', ({ what, failure: about }: { what: string; failure: Failure }) =>
      report(what, about),
    ),
    reportStray: telling('reportStray', stray),
  };
  const run = <Input, Output>(effect: (input: Input) => Promise<Output>) =>
    fromPromise<Output, Input>(({ input }) => effect(input));

  const processLogic = processMachine.provide({
    actors: {
      launch: run(effects.launch),
      signal: run(effects.signal),
      update: run(effects.update),
      ...(oom && { countOomKills: run(oom.count) }),
    },
    actions: { reply: provided.reply, report: provided.report },
    guards: { tellsOom: () => oom !== undefined },
  });
  hearEndsByKind(processLogic, (id) => (id.startsWith(effectOf('')) ? effectOf('any') : undefined));
  hearSteps(processLogic, hearer);

  const containerLogic = containerMachine.provide({
    actors: {
      process: processLogic,
      pause: run(effects.pause),
      resume: run(effects.resume),
      killFrozen: run(effects.killFrozen),
      checkpoint: run(effects.checkpoint),
      deleteCheckpoint: run(effects.deleteCheckpoint),
      delete: run(effects.delete),
      ...(oom && { oomWatch: watchOom(oom) }),
    },
    actions: {
      ...provided,
      publish: telling('publish', publish),
      ...(oom === undefined && { watchOom: () => {} }),
    },
  });
  hearEndsByKind(containerLogic, (id) => (id.startsWith('exec-') ? 'exec' : undefined));
  hearSteps(containerLogic, hearer);

  const supervisorLogic = supervisorMachine.provide({
    actors: {
      restore: fromPromise<Restored, undefined>(() => effects.restore()),
      answerAll: fromPromise<void, undefined>(() =>
        waiting.size === 0 ? Promise.resolve() : new Promise((resolve) => allAnswered.push(resolve)),
      ),
    },
    actions: {
      ...provided,
      publish: telling('publish', (notice: Notice | null) => notice && publish(notice)),
      publishAll: (_, notices) => notices.forEach(publish),
      createContainer: ({ self }, request) => {
        const { id } = request;
        // A child by `parent` costs the same at any number of children; a spawned one copies them all.
        const container = createActor(containerLogic, { parent: self, id, input: request });
        containers.set(id, new Listed(container));
        container.start();
      },
      adoptContainers: ({ self }, adopted) => {
        for (const container of adopted) {
          const { id } = container.create;
          const snapshot = adoptedSnapshot(container);
          const actor = createActor(containerLogic, {
            parent: self,
            id,
            input: container.create,
            snapshot,
          });
          containers.set(id, new Listed(actor));
          actor.start();
        }
      },
      forgetContainer: (_, id) => void containers.delete(id),
      toContainer: (_, { id, event }: { id: string; event: ToContainer }) =>
        containers.get(id)?.actor.send(event),
      toAll: (_, event) => {
        for (const { actor } of containers.values()) actor.send(event);
      },
      toEach: (_, { ids, event }) => {
        for (const id of ids) containers.get(id)?.actor.send(event);
      },
      abandonAll: (_, why) => {
        for (const requestId of waiting.keys()) answer({ requestId, outcome: refused(why) });
      },
      abandon: (_, { id, failure: why }) => {
        for (const requestId of asked.get(id) ?? []) answer({ requestId, outcome: refused(why) });
      },
    },
    guards: { isKnown: (_, id) => containers.has(id) },
  });
  hearEndsByKind(supervisorLogic, (id) => (containers.has(id) ? 'container' : undefined));
  hearSteps(supervisorLogic, hearer);
  const supervisor = createActor(supervisorLogic, {
    input: { concurrency: options.concurrency, onStop: options.onStop },
    ...(options.inspect && { inspect: options.inspect }),
    ...(options.clock && { clock: options.clock }),
  });
  if (hearer?.inspect) supervisor.system.inspect(hearer.inspect);

  const stopped = new Promise<void>((resolve, reject) => {
    supervisor.subscribe({ complete: resolve, error: reject });
  });
  const restored = waitFor(supervisor, (snapshot) => !snapshot.hasTag('restoring')).then(() => {});
  supervisor.start();

  return {
    request: (request) =>
      new Promise((answer) => {
        // It hears nothing any more.
        if (supervisor.getSnapshot().status !== 'active')
          return answer(refused(failure('supervisorStopped')));
        const { requestId, id } = request;
        waiting.set(requestId, { id, answer });
        asked.set(id, (asked.get(id) ?? new Set()).add(requestId));
        supervisor.send(request);
      }),
    cancel: (id, requestId) => supervisor.send({ type: 'cancel', id, requestId }),
    exited: (exited) => supervisor.send(exited),
    stop: () => supervisor.send({ type: 'stop' }),
    restored,
    stopped,
    list: () => Array.from(containers.values(), ({ view }) => view).filter((view) => view !== undefined),
    find: (id) => containers.get(id)?.view,
    onGone: (id, gone) => {
      const subscription = containers.get(id)?.actor.subscribe({ complete: gone, error: gone });
      return () => subscription?.unsubscribe();
    },
    countActors: () => {
      let count = 1 + containers.size;
      for (const { actor } of containers.values()) count += actor.getSnapshot().context.processes.length;
      return count;
    },
  };
}
