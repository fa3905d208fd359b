/** So many of something, in words: `1 container`, `2 containers`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
