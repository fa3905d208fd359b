import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as wire from '../../src/generated/api.ts';
import { createRecorder, type Recorder } from '../../src/history/recorder.ts';
import { programName } from '../../src/linux/peer.ts';
import { introduce, peerOf } from '../../src/server/peer.ts';
import { within } from '../linux/deadline.ts';
import { PlayedSystem } from '../machines/fixtures/system.ts';
import { Served } from './served.ts';

const US = { pid: process.pid, uid: process.getuid?.(), program: programName(process.pid) };

describe('a request', () => {
  let recorder: Recorder;
  let served: Served;
  beforeEach(async () => {
    recorder = createRecorder();
    served = await Served.start((await PlayedSystem.running({ hearer: recorder.hearer })).system);
  });
  afterEach(() => served.end());

  it('says which process has asked, and by which method', async () => {
    const answered = new Promise((resolve) => {
      served.client.updateContainer(wire.UpdateContainerRequest.fromPartial({ id: 'c' }), resolve);
    });
    await within(15_000, 'the answer', answered);
    expect(recorder.container('c')?.steps.at(-1)?.event).toMatchObject({
      type: 'update',
      client: { method: 'UpdateContainer', peer: US },
    });
  });

  it('says no such thing of what no client has asked', () => {
    expect(recorder.container('c')?.steps[0]?.event.input).not.toHaveProperty('client');
  });
});

describe('the address of a peer', () => {
  const call = (address: string) => ({ getPeer: () => address });

  it('is read as it was written, whatever the program calls itself', () => {
    expect(peerOf(call('pid=7 uid=1000 program=pid=1 uid=0 program=\nctr'))).toEqual({
      pid: 7,
      uid: 1000,
      program: 'pid=1 uid=0 program=\nctr',
    });
    expect(peerOf(call('pid=0 uid=65534 program='))).toEqual({ pid: 0, uid: 65534, program: '' });
  });

  it.each(['unknown', '', '127.0.0.1:7000', ' pid=1 uid=0 program=a', 'pid=-1 uid=0 program=a'])(
    'is nobody’s where it is %j',
    (address) => expect(peerOf(call(address))).toBeUndefined(),
  );

  it('is not given to what the kernel does not know, which is served all the same', () => {
    for (const socket of [{}, { _handle: null }, { _handle: { fd: -1 } }]) {
      introduce(socket as never);
      expect(socket).not.toHaveProperty('remoteAddress');
    }
  });
});
