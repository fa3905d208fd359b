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
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => `${JSON.stringify(name)}:${text(member)}`);
  return `{${members.join(',')}}`;
}
