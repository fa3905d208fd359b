import { crashPoint } from '../crash-point.ts';
import type { Key, Started } from '../generated/shim.ts';
import type { Commands } from './commands.ts';
import { failedOf } from './error.ts';
import type { Body } from './frames.ts';
import type { Processes } from './processes.ts';

/** What requests are about: processes that are the shim's to keep, and programs that it runs to their end. */
export type Services = { processes: Processes; commands: Commands };

/** Does what a request asks for; the reply, `failed` included. Never rejects. */
export async function answer(services: Services, body: Body | undefined): Promise<Body> {
  try {
    return await perform(services, body);
  } catch (error) {
    return { $case: 'failed', value: failedOf(error) };
  }
}

async function perform({ processes, commands }: Services, body: Body | undefined): Promise<Body> {
  switch (body?.$case) {
    case 'start':
      return started(await processes.start(given(body.value.key), body.value));
    case 'await':
      return started(await processes.awaitStart(given(body.value.key)));
    case 'kill':
      processes.kill(given(body.value.key), body.value.signal);
      crashPoint('shim.signalled');
      return DONE;
    case 'update':
      processes.update(given(body.value.key), body.value);
      crashPoint('shim.updated');
      return DONE;
    case 'ack':
      processes.acknowledge(given(body.value.key));
      crashPoint('shim.acked');
      return DONE;
    case 'run':
      return { $case: 'ran', value: await commands.run(body.value) };
    case 'settle':
      await commands.settled(body.value.container);
      crashPoint('shim.settled');
      return DONE;
    default:
      throw new Error(`the shim does not know what ${body?.$case ?? 'this'} asks for`);
  }
}

const DONE: Body = { $case: 'done', value: {} };

const started = (value: Started): Body => ({ $case: 'started', value });

function given(key: Key | undefined): Key {
  if (key === undefined) {
    throw new Error('a request says not which process it is about');
  }
  return key;
}
