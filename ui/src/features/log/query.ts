/** What is searched for, as it is marked in the rows on the screen. The engine does the searching. */

export interface Query {
  text: string;
  regex: boolean;
  case: boolean;
}

/** Longer lines are marked as a whole only. */
const LONGEST = 5000;
const MOST_HITS = 200;

/** The engine's expressions take time in proportion to the text; those of a browser may not. Where a repeated group
    repeats or chooses in itself, the rows that match are told apart by the engine alone. */
const MAY_BE_SLOW = /[+*}?|][^()]*\)(?:[+*{]|\?[+*{])/;

/** `null` where there is nothing to mark, or no way to. */
export function compiled({ text, regex, case: isCase }: Query): RegExp | null {
  if (text === "") return null;
  if (regex && MAY_BE_SLOW.test(text)) return null;
  try {
    return new RegExp(regex ? text : escaped(text), isCase ? "gu" : "giu");
  } catch {
    // Written for the engine: its syntax has more.
    return null;
  }
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/** Where it stands in a text. */
export function hits(text: string, pattern: RegExp | null): [number, number][] {
  if (pattern === null || text.length > LONGEST) return [];
  const found: [number, number][] = [];
  for (const match of text.matchAll(pattern)) {
    if (match[0] !== "") found.push([match.index, match.index + match[0].length]);
    if (found.length === MOST_HITS) break;
  }
  return found;
}

/** What most programs write when something went wrong. */
export const TROUBLE = { q: "error|exception|traceback|panic|failed|fatal", regex: true };
