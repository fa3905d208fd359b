import path from 'node:path';
import type { handleUnaryCall, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import type { EventHub } from '../actors/event-hub.ts';
import type { StatsCollector } from '../actors/stats.ts';
import type { System } from '../actors/system.ts';
import { readBundle } from '../bundle/bundle.ts';
import { rememberBundles } from '../bundle/bundle-cache.ts';
import { withBundle } from '../bundle/bundle-gate.ts';
import { listCheckpoints } from '../checkpoints/store.ts';
import { ContainerdError, failure } from '../errors.ts';
import type * as wire from '../generated/api.ts';
import type { Outcome, Request } from '../machines/messages.ts';
import { streamEvents } from './events.ts';
import { peerOf } from './peer.ts';
import {
  checkpointRequest,
  createRequest,
  deleteCheckpointRequest,
  execRequest,
  signalRequest,
  updateProcessRequest,
  updateRequest,
} from './requests.ts';
import type { ApiHandlers } from './service.ts';
import { type MachineInfo, stateResponse } from './state.ts';
import { streamStats } from './stats.ts';
import { serviceError, serviceErrorOf } from './status.ts';
import { checkId } from './validate.ts';

export type ApiOptions = { system: System; hub: EventHub; stats: StatsCollector; machine: MachineInfo };

/** The service `types.API`: each call becomes a request to the system, and its outcome the answer. */
export function createApi({ system, hub, stats, machine }: ApiOptions): ApiHandlers {
  const remembered = rememberBundles(readBundle);
  const bundleOf = (bundlePath: string) => withBundle(() => remembered(bundlePath));
  let requests = 0;
  const nextId = () => `r${++requests}`;

  /** A call that the system answers: `admit` checks it, `respond` makes the message of a success. */
  function asked<Call, Answer>(
    admit: (requestId: string, call: Call) => Request | Promise<Request>,
    respond: (outcome: Outcome & { ok: true }) => Answer,
  ): handleUnaryCall<Call, Answer> {
    return (call, callback) => void answer(call, callback, admit, respond);
  }
  async function answer<Call, Answer>(
    call: ServerUnaryCall<Call, Answer>,
    callback: sendUnaryData<Answer>,
    admit: (requestId: string, call: Call) => Request | Promise<Request>,
    respond: (outcome: Outcome & { ok: true }) => Answer,
  ): Promise<void> {
    try {
      const requestId = nextId();
      const request = await admit(requestId, call.request);
      const client = { method: path.basename(call.getPath()), peer: peerOf(call) };
      if (call.cancelled) return callback(serviceError(failure('cancelled')));
      const cancel = () => system.cancel(request.id, requestId);
      call.on('cancelled', cancel);
      const outcome = await system.request({ ...request, client });
      // grpc-js says so of every call that has ended.
      call.off('cancelled', cancel);
      if (outcome.ok) callback(null, respond(outcome));
      else callback(serviceError(outcome.failure));
    } catch (error) {
      callback(serviceErrorOf(error));
    }
  }

  async function list(
    { request }: ServerUnaryCall<wire.ListCheckpointRequest, wire.ListCheckpointResponse>,
    callback: sendUnaryData<wire.ListCheckpointResponse>,
  ): Promise<void> {
    try {
      const container = system.find(checkId(request.id));
      if (container === undefined) throw new ContainerdError('noSuchContainers');
      const { bundlePath } = container;
      callback(null, { checkpoints: await withBundle(() => listCheckpoints(bundlePath)) });
    } catch (error) {
      callback(serviceErrorOf(error));
    }
  }

  return {
    createContainer: asked(
      (requestId, request: wire.CreateContainerRequest) => createRequest(requestId, request, bundleOf),
      ({ pid }) => ({ pid }),
    ),
    updateContainer: asked(updateRequest, () => ({})),
    signal: asked(signalRequest, () => ({})),
    addProcess: asked(execRequest, ({ pid }) => ({ pid })),
    updateProcess: asked(updateProcessRequest, () => ({})),
    createCheckpoint: asked(checkpointRequest, () => ({})),
    deleteCheckpoint: asked(deleteCheckpointRequest, () => ({})),
    listCheckpoint: (call, callback) => void list(call, callback),
    state: (_call, callback) => callback(null, stateResponse(system.list(), machine)),
    events: (call) => streamEvents(call, hub),
    getStats: (call) => streamStats(call, system, stats),
  };
}
