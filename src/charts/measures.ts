/** How large the words of a chart's picture are, wherever it is drawn; in px. */

/** Of a monospaced font, whose characters are 0.6 of its size wide. */
export const FONT_PX = 12;
export const CHARACTER_PX = FONT_PX * 0.6;
export const LINE_PX = 16;
export const PADDING_PX = 10;
/** A state's name, and the line below it. */
export const TITLE_PX = 26;
