import type { AnyEventObject } from 'xstate';
import { failureOf } from '../errors.ts';
import type { CheckpointOptions, Client, Notice, ProcessSpec, Reply } from '../machines/messages.ts';
import { clientIn } from './client.ts';
import { eventName } from './event-name.ts';
import type { Recorded, Said, Step } from './recorded.ts';

/** What a step was, in words for somebody who reads a container's history. */
export type StepWords = {
  /** Empty for the container itself. */
  process: string;
  event: string;
  sender: string;
  /** Who that is, of a client. */
  client: Client | undefined;
  state: string;
  /** What it was asked. */
  detail: string;
  outcome: string;
  failed: boolean;
};

/** An exit is passed on to its process; a client that has its answer goes away. */
const PASSED_ON = /^(shim\.exited|cancel|xstate\.done\.actor\..*)$/;

/** Undefined for what a reader needs not: an event that is only passed on, and the ends of actors that told them before. */
export function wordsOf(actor: Recorded, step: Step, before: Step | undefined): StepWords | undefined {
  const { event, sender, state } = step;
  const changed = before?.state !== state || step.said.length > 0;
  if (!changed && PASSED_ON.test(event.type)) return undefined;
  return {
    process: actor.kind === 'process' ? actor.id : '',
    event: eventName(event.type, sender),
    sender,
    client: clientIn(event),
    state,
    detail: detailOf(event),
    ...outcomeOf(step),
  };
}

/** Only what is no secret: of a program its name alone. */
function detailOf(event: AnyEventObject): string {
  const { status, signal, pid, checkpoint, spec, name } = (event.input ?? event) as {
    status?: string | number;
    signal?: number;
    pid?: number;
    checkpoint?: string | CheckpointOptions;
    spec?: ProcessSpec;
    name?: string;
  };
  const words: string[] = [];
  if (status !== undefined && status !== '')
    words.push(typeof status === 'number' ? `status ${status}` : status);
  if (signal) words.push(`signal ${signal}`);
  if (pid) words.push(`pid ${pid}`);
  if (typeof checkpoint === 'object') words.push(checkpoint.name);
  if (typeof checkpoint === 'string' && checkpoint !== '') words.push(`from ${checkpoint}`);
  if (spec?.args[0] !== undefined) words.push(spec.args[0]);
  if (typeof name === 'string') words.push(name);
  return words.join(', ');
}

function outcomeOf({ event, said }: Step): Pick<StepWords, 'outcome' | 'failed'> {
  const failures = [
    ...('error' in event ? [failureOf(event.error).message] : []),
    ...said.flatMap(failureIn),
  ];
  const told = said.flatMap(toldIn);
  const words = failures.length > 0 ? [...new Set(failures)] : [...new Set(told)];
  return { outcome: words.join('; '), failed: failures.length > 0 };
}

function failureIn({ type, params }: Said): string[] {
  if (type === 'report') return [(params as { failure: { message: string } }).failure.message];
  if (type !== 'reply') return [];
  const { outcome } = params as Reply;
  return outcome.ok ? [] : [outcome.failure.message];
}

function toldIn({ type, params }: Said): string[] {
  if (type === 'reply') return [`answered ${(params as Reply).requestId}`];
  if (type === 'publish' && params) return [`told of ${(params as Notice).type}`];
  return [];
}
