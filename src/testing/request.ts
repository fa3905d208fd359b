import type { Request } from '../machines/messages.ts';

/** What is asked of a container that exists. */
export type Ask = 'pause' | 'resume' | 'kill' | 'exec' | 'checkpoint' | 'deleteCheckpoint';

const STDIO = { stdin: '', stdout: '', stderr: '', console: '' };
export const SPEC = {
  terminal: false,
  user: { uid: 0, gid: 0, additionalGids: [] },
  args: [],
  env: [],
  cwd: '/',
};

/** The event that a client's wish is. */
export function requestOf(ask: Ask | 'create', requestId: string, id: string): Request {
  switch (ask) {
    case 'create':
      return {
        type: 'create',
        requestId,
        id,
        bundlePath: '/bundle',
        stdio: STDIO,
        spec: SPEC,
        inherited: { process: {}, path: '' },
        hooks: false,
        checkpoint: '',
      };
    case 'pause':
      return { type: 'update', requestId, id, status: 'paused', signal: 0 };
    case 'resume':
      return { type: 'update', requestId, id, status: 'running', signal: 0 };
    case 'kill':
      return { type: 'signal', requestId, id, pid: 0, signal: 9 };
    case 'exec':
      return { type: 'exec', requestId, id, spec: SPEC, stdio: STDIO };
    case 'checkpoint': {
      const checkpoint = { name: 'one', exit: true, tcp: false, unixSockets: false, shell: false };
      return { type: 'checkpoint', requestId, id, checkpoint };
    }
    case 'deleteCheckpoint':
      return { type: 'deleteCheckpoint', requestId, id, name: 'one' };
  }
}
