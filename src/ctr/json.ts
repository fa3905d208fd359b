/**
 * A value as one line of JSON. A bigint becomes a number with all its digits, as the original's were: JSON itself sets no
 * limit to them.
 */
export function jsonLine(value: unknown): string {
  return `${text(value)}\n`;
}

function text(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return `[${value.map(text).join(',')}]`;
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => `${quoted(name)}:${text(member)}`);
  return `{${members.join(',')}}`;
}

/** JSON itself lets DEL and the control characters of Latin-1 pass, of which one begins an escape sequence. */
const quoted = (value: string): string =>
  JSON.stringify(value).replace(
    /[\x7f-\x9f]/g,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
