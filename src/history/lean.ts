import type { ProcessSpec } from '../machines/messages.ts';
import { toKeep } from './plain.ts';

/** In characters; few have more. */
const MAX_SPEC_SIZE = 2 ** 14;
/** Of each argument and variable, beside its text. */
const MEMBER_SIZE = 16;

/** Where the charts have a spec: in a request, in what an actor begins with, and in what it knows of others. */
const HOLDERS = ['input', 'create', 'processes', 'pending'] as const;
type Holder = { spec?: ProcessSpec } & { [Key in (typeof HOLDERS)[number]]?: Holder | readonly Holder[] };

/**
 * An event or a context as it can be kept: a client may send megabytes of arguments as often as it likes. It is the same
 * unless there are so many, of which then is kept what somebody would be shown.
 */
export function lean<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map(lean);
    return items.some((item, at) => item !== value[at]) ? (items as Value) : value;
  }
  const holder: Holder = value;
  let kept = holder;
  if (holder.spec !== undefined && sizeOf(holder.spec) > MAX_SPEC_SIZE)
    kept = { ...kept, spec: shortened(holder.spec) };
  for (const key of HOLDERS) {
    const member = holder[key];
    if (member === undefined) continue;
    const it = lean(member);
    if (it !== member) kept = { ...kept, [key]: it };
  }
  return kept as Value;
}

function sizeOf({ args, env, cwd, user }: ProcessSpec): number {
  let size = cwd.length + user.additionalGids.length * MEMBER_SIZE;
  for (const it of args) size += it.length + MEMBER_SIZE;
  for (const it of env) size += it.length + MEMBER_SIZE;
  return size;
}

/** Those who hold the same go on to do so. */
const short = new WeakMap<ProcessSpec, ProcessSpec>();

function shortened(spec: ProcessSpec): ProcessSpec {
  const known = short.get(spec) ?? toKeep(spec);
  short.set(spec, known);
  return known;
}
