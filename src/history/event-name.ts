/** An event's name for a reader: XState's own stand for the ends of effects, and for time. */
export function eventName(type: string, sender: string): string {
  if (type === 'xstate.init') return 'begins';
  if (type.startsWith('xstate.done.actor.')) return `${sender} done`;
  if (type.startsWith('xstate.error.actor.')) return `${sender} failed`;
  if (type.startsWith('xstate.after.')) return `after ${type.split('.')[2]}`;
  return type;
}
