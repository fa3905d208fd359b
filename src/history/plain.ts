/**
 * An event or a context as JSON has it, for somebody's eyes. What a program is given may be secret: unless `secrets`,
 * of `args` only the program's name is left, and of `env` only the names. Long texts and lists are cut, and say so.
 */
export function plain(value: unknown, { secrets }: { secrets: boolean }, depth = 0): unknown {
  if (typeof value === 'string') return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Error) return { error: value.name, message: plain(value.message, { secrets }) };
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? undefined : value;
  if (depth > MAX_DEPTH) return '…';
  if (Array.isArray(value)) {
    const shown = value.slice(0, MAX_ITEMS).map((item) => plain(item, { secrets }, depth + 1));
    return value.length > MAX_ITEMS ? [...shown, `… ${value.length - MAX_ITEMS} more`] : shown;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const hide = secrets ? undefined : HIDDEN.get(key);
      const shown = hide !== undefined && Array.isArray(member) ? member.map(hide) : member;
      return [key, plain(shown, { secrets }, depth + 1)];
    }),
  );
}

/** What stands for what is not shown. */
export const MASK = '•••';

const MAX_TEXT = 2048;
const MAX_ITEMS = 64;
const MAX_DEPTH = 10;

/** No object: a client's JSON may have `valueOf` for a key. */
const HIDDEN = new Map<string, (item: unknown, index: number) => unknown>([
  ['args', (item, index) => (index === 0 ? item : MASK)],
  ['env', (item) => (typeof item === 'string' ? item.replace(/=.*$/s, `=${MASK}`) : MASK)],
]);
