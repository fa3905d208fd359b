import type { StepRow } from '../wire.ts';

/** What a step told somebody outside, in words. */

type Failure = { status?: string; message?: string };
type Outcome = { ok: true; pid?: number } | { ok: false; failure: Failure };

export type Words = { text: string; bad: boolean };

export function wordsOf({ type, params }: StepRow['said'][number]): Words {
  const about = (params ?? {}) as {
    requestId?: string;
    outcome?: Outcome;
    type?: string;
    process?: string;
    status?: number;
    what?: string;
    failure?: Failure;
  };
  if (type === 'reply' && about.outcome !== undefined) {
    const { outcome, requestId } = about;
    if (outcome.ok) return { text: `answers ${requestId}: done`, bad: false };
    return { text: `refuses ${requestId}: ${outcome.failure.message ?? ''}`, bad: true };
  }
  if (type === 'publish') {
    const process = about.process === 'init' || about.process === undefined ? '' : ` of ${about.process}`;
    const status = about.type === 'exit' ? `, status ${about.status}` : '';
    return { text: `tells subscribers: ${about.type ?? ''}${process}${status}`, bad: false };
  }
  if (type === 'report') return { text: `logs: ${about.what}: ${about.failure?.message ?? ''}`, bad: true };
  return { text: type, bad: false };
}

/** What a failed effect said: the words of runc, or of the kernel. */
export function failureIn({ event }: StepRow): string | undefined {
  const { error } = event as { error?: { message?: string } };
  const { failure } = event as { failure?: { message?: string } };
  return error?.message ?? failure?.message;
}
