/** What is searched for, as it is marked in the rows on the screen. The engine does the searching. */

export interface Query {
  text: string;
  regex: boolean;
  case: boolean;
}

/** A pattern for marking, and how its time grows with the text. */
export interface Marking {
  pattern: RegExp;
  power: number;
  factor: number;
}

const MOST_HITS = 200;

/** Steps that a line may take at the worst; a longer one is found by the engine, and not marked. */
const MOST_STEPS = 2e7;

/** `null` where there is nothing to mark, or no way to. */
export function compiled({ text, regex, case: isCase }: Query): Marking | null {
  if (text === "") return null;
  const effort = regex ? effortOf(text) : { power: 1, factor: 1 };
  if (effort === null) return null;
  try {
    return { pattern: new RegExp(regex ? text : escaped(text), isCase ? "gu" : "giu"), ...effort };
  } catch {
    // Written for the engine: its syntax has more.
    return null;
  }
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/** The engine's expressions take time in proportion to the text. Those of a browser may take forever: each repetition
    may have to be tried at each length, and a repeated group at each of each. So much as an upper bound. */
function effortOf(text: string): { power: number; factor: number } | null {
  // What is escaped, and classes, are one character each.
  const bare = text.replace(/\\(?:[pP]\{[^}]*\}|.)/gsu, "x").replace(/\[[^\]]*\]/g, "x");
  if (/\)(?:[*+?]|\{)/.test(bare)) return null;
  const repetitions = bare.match(/[*+]|\{\d*,\d*\}/g)?.length ?? 0;
  const choices = bare.match(/(?<![*+?}(])\?|\|/g)?.length ?? 0;
  return { power: 1 + repetitions, factor: 2 ** choices };
}

/** Where it stands in a text. */
export function hits(text: string, marking: Marking | null): [number, number][] {
  if (marking === null) return [];
  const { pattern, power, factor } = marking;
  if (text.length ** power * factor > MOST_STEPS) return [];
  const found: [number, number][] = [];
  for (const match of text.matchAll(pattern)) {
    if (match[0] !== "") found.push([match.index, match.index + match[0].length]);
    if (found.length === MOST_HITS) break;
  }
  return found;
}

/** What most programs write when something went wrong. */
export const TROUBLE = { q: "error|exception|traceback|panic|failed|fatal", regex: true };
