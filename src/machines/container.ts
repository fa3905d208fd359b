import { not } from 'xstate';
import { failure } from '../errors.ts';
import { containerSetup, MAX_PROCESSES, OOM_WATCH } from './container-actions.ts';
import type { ContainerContext } from './container-model.ts';
import {
  adopted,
  answerCreate,
  answerLaunch,
  lastNotice,
  operationDone,
  operationFailed,
  publish,
} from './container-replies.ts';
import {
  begin,
  defer,
  duringOperation,
  initEnds,
  killsInit,
  pauseIt,
  removeCheckpoint,
  resumeIt,
  signalOrNothing,
  toProcess,
  wait,
  whileFrozen,
  writeCheckpoint,
} from './container-transitions.ts';
import { INIT, type OutOfMemory, refused, succeeded } from './messages.ts';
import type { ProcessExited, ProcessFailed, ProcessRunning } from './process-model.ts';
import { each, refuse, report } from './replies.ts';

const lostExecs = { what: 'execs outlived their container', failure: failure('containerExited') };
const whyItFailed = (context: ContainerContext) => context.failure ?? failure('internal');

/**
 * The life of a container. It does one operation at a time, in arrival order: what arrives meanwhile waits, what
 * its state forbids is refused at once, and every request is answered once. Execs are processes beside init; they
 * start at any time while it runs, but for operations that freeze it, which wait for them and hold back new ones.
 */
export const containerMachine = containerSetup.createMachine({
  id: 'container',
  context: ({ input }) => ({
    id: input.id,
    bundlePath: input.bundlePath,
    create: input,
    processes: [],
    execs: 0,
    operation: null,
    pending: [],
    exit: null,
    initPid: 0,
    oomKills: 0,
    failure: null,
  }),
  on: {
    'shim.exited': [
      {
        guard: { type: 'hasEnded', params: ({ event }) => event.process },
        description: 'It is known already.',
      },
      {
        guard: { type: 'isKnown', params: ({ event }) => event.process },
        actions: { type: 'toReaped', params: ({ event }) => event },
      },
      { actions: { type: 'reportStray', params: ({ event }) => event } },
    ],
    // Of execs; what concerns init is in each state.
    'process.running': {
      actions: [
        { type: 'noteRunning', params: ({ event }) => event },
        publish('exec', ({ process, launched: { pid } }: ProcessRunning, context) => ({
          process,
          pid,
          ...adopted(context, process),
        })),
        answerLaunch((event: ProcessRunning) => succeeded(event.launched.pid)),
      ],
    },
    'process.failed': [
      {
        guard: { type: 'isAdopted', params: ({ event }) => event.process },
        actions: [
          publish('undone', ({ process, failure: { message: why } }: ProcessFailed) => ({
            process,
            pid: 0,
            why,
          })),
          answerLaunch((event: ProcessFailed) => refused(event.failure)),
          { type: 'forgetProcess', params: ({ event }) => event.process },
        ],
      },
      {
        actions: [
          answerLaunch((event: ProcessFailed) => refused(event.failure)),
          { type: 'forgetProcess', params: ({ event }) => event.process },
        ],
      },
    ],
    'process.exited': {
      actions: [
        publish('exit', ({ process, pid, exit }: ProcessExited) => ({ process, pid, ...exit })),
        { type: 'forgetProcess', params: ({ event }) => event.process },
      ],
    },
    oom: [
      {
        guard: { type: 'oomRises', params: ({ event }) => event },
        actions: [
          publish('oom', ({ kills }: OutOfMemory) => ({ kills })),
          { type: 'noteOom', params: ({ event }) => event },
        ],
      },
      { description: 'It has been told already.' },
    ],
    cancel: [
      {
        guard: { type: 'isPending', params: ({ event }) => event.requestId },
        actions: [
          {
            type: 'reply',
            params: ({ event }) => ({ requestId: event.requestId, outcome: refused(failure('cancelled')) }),
          },
          { type: 'dropPending', params: ({ event }) => event.requestId },
        ],
      },
      { description: 'It is under way or done: it is carried out, and its answer finds nobody.' },
    ],
    'xstate.done.actor.*': { actions: { type: 'dropChild', params: ({ event }) => event.actorId } },
  },
  output: ({ context }) => ({ id: context.id, told: lastNotice(context) }),
  initial: 'created',

  states: {
    created: {
      description: 'It is being made; no client can have seen it.',
      initial: 'queued',
      on: each({ actions: refuse('containerState', 'created') }),
      states: {
        queued: {
          description: 'It waits for one of the daemon’s slots.',
          on: {
            'slot.granted': [
              { guard: 'fromCheckpoint', target: 'launching.restoring' },
              { target: 'launching.starting' },
            ],
            cancel: {
              guard: { type: 'isCreate', params: ({ event }) => event.requestId },
              target: '#container.deleted',
              actions: answerCreate(() => failure('cancelled')),
            },
            terminate: {
              target: '#container.deleted',
              actions: answerCreate(() => failure('supervisorStopped')),
            },
          },
        },
        launching: {
          entry: 'launchInit',
          exit: 'releaseSlot',
          initial: 'starting',
          on: {
            'process.running': {
              target: '#container.running',
              actions: [
                { type: 'noteRunning', params: ({ event }) => event },
                'watchOom',
                publish('start', (_: ProcessRunning, context) => adopted(context, INIT)),
                answerLaunch((event: ProcessRunning) => succeeded(event.launched.pid)),
              ],
            },
            'process.failed': [
              {
                guard: { type: 'isTaken', params: ({ event }) => event.failure },
                description: 'Of another of this name that was left alone: nothing of it is to be undone.',
                target: '#container.deleted',
                actions: [
                  { type: 'noteFailure', params: ({ event }) => event.failure },
                  { type: 'forgetProcess', params: ({ event }) => event.process },
                  answerCreate(whyItFailed),
                ],
              },
              {
                target: 'undoing',
                actions: [
                  { type: 'noteFailure', params: ({ event }) => event.failure },
                  { type: 'forgetProcess', params: ({ event }) => event.process },
                ],
              },
            ],
            terminate: { actions: defer },
          },
          states: { starting: {}, restoring: {} },
        },
        undoing: {
          description: 'The start failed; what it left is removed before anybody hears of it.',
          on: { terminate: { description: 'It is ending.' } },
          invoke: {
            src: 'delete',
            input: ({ context }) => ({ id: context.id }),
            onDone: { target: '#container.deleted', actions: answerCreate(whyItFailed) },
            onError: {
              target: '#container.deleted',
              actions: [report('a failed start could not be undone'), answerCreate(whyItFailed)],
            },
          },
        },
      },
    },

    running: {
      initial: 'steady',
      tags: 'running',
      on: {
        ...each(wait),
        signal: toProcess,
        updateProcess: toProcess,
        terminate: [
          { guard: 'initEnded', description: 'Its exit waits for the operation in flight.' },
          { actions: { type: 'signalInit', params: ({ event }) => event.signal } },
        ],
        'process.exited': initEnds,
      },
      states: {
        steady: {
          entry: 'takeUp',
          on: {
            exec: [
              { guard: 'crowded', actions: refuse('tooManyProcesses', String(MAX_PROCESSES)) },
              { actions: { type: 'launchExec', params: ({ event }) => event } },
            ],
            update: [
              {
                guard: { type: 'pausesLater', params: ({ event }) => event },
                target: 'settling',
                actions: defer,
              },
              { guard: { type: 'pauses', params: ({ event }) => event }, target: 'pausing', actions: begin },
              ...signalOrNothing,
            ],
            checkpoint: [
              { guard: 'launching', target: 'settling', actions: defer },
              { target: 'checkpointing', actions: begin },
            ],
            deleteCheckpoint: { target: 'deletingCheckpoint', actions: begin },
          },
        },
        settling: {
          description: 'An operation that freezes the container waits for the execs that are being launched.',
          always: { guard: not('launching'), target: 'steady' },
        },
        pausing: { on: { ...whileFrozen, terminate: { actions: defer } }, invoke: pauseIt },
        checkpointing: { on: duringOperation, invoke: writeCheckpoint },
        deletingCheckpoint: { on: duringOperation, invoke: removeCheckpoint },
      },
    },

    paused: {
      initial: 'steady',
      tags: 'paused',
      on: {
        ...each(wait),
        signal: toProcess,
        updateProcess: toProcess,
        terminate: { actions: defer },
        'process.exited': initEnds,
      },
      states: {
        steady: {
          entry: 'takeUp',
          on: {
            exec: { actions: refuse('containerState', 'paused') },
            signal: [{ guard: killsInit, target: 'killing', actions: begin }, ...toProcess],
            update: [
              {
                guard: { type: 'resumes', params: ({ event }) => event },
                target: 'resuming',
                actions: begin,
              },
              {
                guard: { type: 'killsInit', params: ({ event: { signal } }) => ({ pid: 0, signal }) },
                target: 'killing',
                actions: begin,
              },
              ...signalOrNothing,
            ],
            checkpoint: { target: 'checkpointing', actions: begin },
            deleteCheckpoint: { target: 'deletingCheckpoint', actions: begin },
            terminate: { target: 'thawing', actions: defer },
          },
        },
        resuming: { on: whileFrozen, invoke: resumeIt },
        thawing: {
          description: 'The daemon ends; a frozen process could not.',
          on: whileFrozen,
          invoke: {
            src: 'resume',
            input: ({ context }) => ({ id: context.id }),
            onDone: { target: '#container.running', actions: publish('resume') },
            onError: [
              { guard: 'initEnded', description: 'It needs no thawing any more.', target: 'steady' },
              {
                description:
                  'It dies of the signal where it can frozen, and is thawed again for the next one.',
                target: 'steady',
                actions: [report('a paused container could not be resumed to end it'), 'terminateFrozen'],
              },
            ],
          },
        },
        killing: {
          description: 'KILL first, then it is thawed to die of it.',
          on: duringOperation,
          invoke: {
            src: 'killFrozen',
            input: ({ context }) => ({ id: context.id }),
            onDone: { target: '#container.running', actions: operationDone },
            onError: [
              {
                guard: 'initEnded',
                description: 'Dead of it before it could be thawed (cgroup v2).',
                target: 'steady',
                actions: operationDone,
              },
              { target: 'steady', actions: operationFailed },
            ],
          },
        },
        checkpointing: { on: whileFrozen, invoke: writeCheckpoint },
        deletingCheckpoint: { on: whileFrozen, invoke: removeCheckpoint },
      },
    },

    checkpointed: {
      description: 'The checkpoint is written and ends it; init is still to be reaped.',
      entry: 'takeUp',
      on: {
        ...each({ actions: refuse('containerState', 'checkpointed') }),
        terminate: { description: 'It is ending.' },
        'process.exited': initEnds,
      },
    },

    exited: {
      entry: ['takeUp', { type: 'dropChild', params: OOM_WATCH }],
      initial: 'settling',
      on: {
        ...each({ actions: refuse('containerExited') }),
        terminate: { description: 'It has ended.' },
      },
      states: {
        settling: {
          description: 'Execs that are being launched come to know that it is over.',
          always: { guard: not('launching'), target: 'deleting' },
        },
        deleting: {
          invoke: {
            src: 'delete',
            input: ({ context }) => ({ id: context.id }),
            onDone: 'draining',
            onError: { target: 'draining', actions: report('an ended container could not be deleted') },
          },
        },
        draining: {
          description: 'The exits of its execs are told before its own.',
          always: { guard: not('execsLeft'), target: '#container.deleted' },
          after: {
            drainTimeout: { target: '#container.deleted', actions: { type: 'report', params: lostExecs } },
          },
        },
      },
    },

    deleted: { type: 'final' },
  },
});
