const escaped = (control: string): string => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`;

/** For one line on somebody's terminal, which no escape sequence or line feed of a path, say, may reach: `\x1b` instead. */
export const printable = (text: string): string => text.replace(/\p{Cc}/gu, escaped);

/** The same of text that may have several lines: what a container has chosen may be part of an error's words. */
export const printableLines = (text: string): string => text.replace(/[^\P{Cc}\n\t]/gu, escaped);
