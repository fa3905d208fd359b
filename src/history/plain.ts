/**
 * An event or a context as JSON has it, for somebody's eyes. What a program is given may be secret: unless `secrets`,
 * of `args` only the program's name is left, and of `env` only the names. What is long is cut, and says so: texts,
 * lists, objects, and all of it together.
 */
export const plain = (value: unknown, { secrets }: { secrets: boolean }): unknown =>
  shorten(value, { secrets, marked: true });

/** As much of a value as will be shown of it, in texts of its own; what its lists have lost is said once it is shown. */
export const toKeep = <Value>(value: Value): Value =>
  shorten(value, { secrets: true, marked: false }) as Value;

/** How many a list had of which the rest is not kept. */
const lengths = new WeakMap<readonly unknown[], number>();

function shorten(value: unknown, { secrets, marked }: { secrets: boolean; marked: boolean }): unknown {
  let left = MAX_SIZE;

  function cut(text: string): string {
    const most = Math.max(0, Math.min(MAX_TEXT, left));
    left -= Math.min(text.length, most);
    if (text.length <= most) return text;
    const short = `${text.slice(0, most)}…`;
    // A part of a text has V8 hold all of it.
    return marked ? short : structuredClone(short);
  }

  function shown(value: unknown, depth: number, hide?: Hide): unknown {
    left -= MEMBER_SIZE;
    if (typeof value === 'string') return cut(value);
    if (typeof value === 'bigint') return cut(String(value));
    if (typeof value === 'function') return undefined;
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof Error) return { error: value.name, message: cut(value.message) };
    if (depth > MAX_DEPTH || left <= 0) return '…';
    // What comes after it is to be seen as well.
    const kept = left / 2;
    left -= kept;
    const seen = Array.isArray(value) ? listed(value, depth + 1, hide) : membersOf(value, depth + 1);
    left += kept;
    return seen;
  }

  function listed(list: readonly unknown[], depth: number, hide?: Hide): unknown[] {
    const seen: unknown[] = [];
    for (const item of list) {
      const at = seen.length;
      if (at === MAX_ITEMS || left <= 0) break;
      seen.push(shown(hide === undefined ? item : hide(item, at), depth));
    }
    const all = lengths.get(list) ?? list.length;
    if (all === seen.length) return seen;
    if (marked) return [...seen, `… ${all - seen.length} more`];
    lengths.set(seen, all);
    return seen;
  }

  function membersOf(object: object, depth: number): object {
    const members = Object.entries(object);
    const seen: [string, unknown][] = [];
    for (const [key, member] of members) {
      const more = members.length - seen.length;
      if (seen.length === MAX_ITEMS || left <= 0) return Object.fromEntries([...seen, ['…', `${more} more`]]);
      seen.push([cut(key), shown(member, depth, secrets ? undefined : HIDDEN.get(key))]);
    }
    return Object.fromEntries(seen);
  }

  return shown(value, 0);
}

/** What stands for what is not shown. */
export const MASK = '•••';

const MAX_TEXT = 2048;
const MAX_ITEMS = 64;
const MAX_DEPTH = 10;
/** In characters; a nested value has at most half of what is left. */
const MAX_SIZE = 2 ** 16;
/** Of each member, beside its texts. */
const MEMBER_SIZE = 16;

type Hide = (item: unknown, index: number) => unknown;

/** No object: a client's JSON may have `valueOf` for a key. */
const HIDDEN = new Map<string, Hide>([
  ['args', (item, index) => (index === 0 ? item : MASK)],
  ['env', (item) => (typeof item === 'string' ? item.replace(/=.*$/s, `=${MASK}`) : MASK)],
]);
