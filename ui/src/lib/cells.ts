/** How wide text is in a font whose characters all have one width. */

const NONE = /^[\p{Mn}\p{Me}\u200c\u200d]/u;

/** Characters of two cells: East Asian wide and full width ones, and emoji. */
const WIDE =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{17000}-\u{18cff}]|[\u{1b000}-\u{1b2ff}]|[\u{20000}-\u{3fffd}]|\p{Emoji_Presentation})/u;

/** Cells of one character: 0, 1 or 2. */
export function width(character: string): 0 | 1 | 2 {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (NONE.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

const SIMPLE = /^[\x20-\x7e]*$/;

/** Cells of a text with tabs. */
export function cells(text: string, tab = 8): number {
  if (SIMPLE.test(text)) return text.length;
  let at = 0;
  for (const character of text) at += character === "\t" ? tab - (at % tab) : width(character);
  return at;
}
