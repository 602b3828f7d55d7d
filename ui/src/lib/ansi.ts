/** A line of output as text with colours, made from whatever a program wrote.

    Only what a line does to itself is carried out: colours (SGR), carriage returns, backspaces, tabs and "erase in
    line", by which progress is redrawn. Every other sequence is taken out; a control character that is no part of one,
    and a character that would hide or reorder others, is shown as a sign. Nothing that a program writes can reach
    beyond its line. Colours begin anew with each line: rows are read by number, and what stood before is not known. */

import { xterm } from "./colours";
import type { Colour } from "./colours";
import { Cells } from "./overwriting";

export interface Style {
  readonly fg?: Colour;
  readonly bg?: Colour;
  readonly bold?: boolean;
  readonly dim?: boolean;
  readonly italic?: boolean;
  readonly underline?: boolean;
  readonly strike?: boolean;
  readonly inverse?: boolean;
  /** Stands for a character that is not shown itself. */
  readonly sign?: boolean;
}

/** Text of one style. */
export interface Piece {
  text: string;
  style: Style;
}

export const PLAIN: Style = {};

/** Whatever is no plain text: controls, and characters without a form of their own. Joiners are text: emoji and
    several scripts need them, and they move nothing. So are the few number signs that are formatted characters. */
const SPECIAL =
  /[\x00-\x08\x0a-\x1f\x7f-\x9f]|(?![\u200c\u200d\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}])[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

/** A line that draws over itself. */
const REDRAWN = /[\r\b]|(?:\x1b\[|\x9b)[0-2]?K/;

const TOKEN = new RegExp(
  [
    "(?:\\x1b\\[|\\x9b)(?<parameters>[0-?]*)(?<between>[ -/]*)(?<final>[@-~])", // CSI
    // Strings: titles, links, images. One that does not end on its line is no such thing, and is shown.
    "(?:\\x1b[\\]PX^_]|[\\x90\\x98\\x9d-\\x9f])[^\\x07\\x1b\\x80-\\x9f]*(?:\\x07|\\x1b\\\\|\\x9c)",
    "\\x1b[ -/]*[0-OQ-WYZ\\\\`-~]", // two characters
    `(?<special>${SPECIAL.source})`,
  ].join("|"),
  "gu",
);

/** The beginning of a sequence at the end of a line that was cut there. */
const TORN = /\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*)?$/;

/** A line as it would stand there at its end; `isCut` says that more of it was written than this. */
export function present(line: string, isCut = false): Piece[] {
  if (!SPECIAL.test(line)) return line === "" ? [] : [{ text: line, style: PLAIN }];
  const text = isCut ? line.replace(TORN, "") : line;
  const to = REDRAWN.test(text) ? new Cells() : new Pieces();
  let style = PLAIN;
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > at) to.put(text.slice(at, match.index), style);
    at = match.index + match[0].length;
    const { parameters = "", between, final, special } = match.groups ?? {};
    if (special !== undefined) control(to, special, style);
    else if (final === "m" && between === "") style = sgr(style, parameters);
    else if (final === "K" && between === "") to.erase(Number(parameters || "0"));
  }
  if (at < text.length) to.put(text.slice(at), style);
  return to.pieces();
}

/** The text alone. */
export const plain = (line: string, isCut = false) =>
  present(line, isCut)
    .map(({ text }) => text)
    .join("");

/** What text and controls are applied to. */
interface Line {
  put(text: string, style: Style): void;
  back(): void;
  home(): void;
  erase(what: number): void;
  pieces(): Piece[];
}

/** A line that is only ever added to. */
class Pieces implements Line {
  readonly #pieces: Piece[] = [];

  put(text: string, style: Style): void {
    const last = this.#pieces.at(-1);
    if (last?.style === style) last.text += text;
    else this.#pieces.push({ text, style });
  }

  // Lines with these are not built here.
  back(): void {}
  home(): void {}
  erase(): void {}

  pieces(): Piece[] {
    return this.#pieces;
  }
}

const signs = new WeakMap<Style, Style>();

/** The same style for a sign: one object for each, so that neighbours merge. */
function asSign(style: Style): Style {
  let sign = signs.get(style);
  if (!sign) signs.set(style, (sign = { ...style, sign: true }));
  return sign;
}

function control(to: Line, character: string, style: Style): void {
  if (character === "\r") to.home();
  else if (character === "\b") to.back();
  else to.put(visible(character), asSign(style));
}

/** A sign for a character that has no form. */
function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  // As `cat -v` and `less` do: every font has these, and few have the pictures of Unicode.
  if (code < 0x20 || code === 0x7f) return `^${String.fromCharCode(code ^ 0x40)}`;
  if (code < 0xa0) return `<${hex(code, 2)}>`;
  if (code >= 0xd800 && code <= 0xdfff) return "\ufffd";
  return `<U+${hex(code, 4)}>`;
}

const hex = (code: number, digits: number) => code.toString(16).toUpperCase().padStart(digits, "0");

type Writable = { -readonly [K in keyof Style]: Style[K] };

const ON: Record<number, keyof Style> = {
  1: "bold",
  2: "dim",
  3: "italic",
  4: "underline",
  7: "inverse",
  9: "strike",
  21: "underline",
};

const OFF: Record<number, readonly (keyof Style)[]> = {
  22: ["bold", "dim"],
  23: ["italic"],
  24: ["underline"],
  27: ["inverse"],
  29: ["strike"],
  39: ["fg"],
  49: ["bg"],
};

/** The style after "select graphic rendition". Text that is told to be invisible stays visible. */
function sgr(before: Style, parameters: string): Style {
  // Private ones, which set modes of keyboards.
  if (/[<=>?]/.test(parameters)) return before;
  let style: Writable = { ...before };
  // Colons join what belongs together: `4:3` is a curly underline, `38:2::r:g:b` a colour.
  const groups = parameters.split(";").map((group) => group.split(":").map(Number));
  for (let at = 0; at < groups.length; at++) {
    const group = groups[at] ?? [0];
    const code = group[0] ?? 0;
    if (code === 0) style = {};
    else if (code === 4 && group[1] === 0) delete style.underline;
    else if (code === 38 || code === 48 || code === 58) {
      const rest =
        group.length > 1 ? group.slice(1) : groups.slice(at + 1, at + 5).map(([value]) => value ?? 0);
      const { colour, taken } = extended(rest, group.length > 1);
      if (group.length === 1) at += taken;
      if (code !== 58) set(style, code === 38 ? "fg" : "bg", colour);
    } else simple(style, code);
  }
  return Object.keys(style).length === 0 ? PLAIN : style;
}

function simple(style: Writable, code: number): void {
  const on = ON[code];
  if (on) Object.assign(style, { [on]: true });
  for (const name of OFF[code] ?? []) delete style[name];
  if (code >= 30 && code <= 37) style.fg = code - 30;
  else if (code >= 40 && code <= 47) style.bg = code - 40;
  else if (code >= 90 && code <= 97) style.fg = code - 82;
  else if (code >= 100 && code <= 107) style.bg = code - 92;
}

function set(style: Writable, name: "fg" | "bg", colour: Colour | undefined): void {
  if (colour !== undefined) style[name] = colour;
}

/** A colour of 256 (`5;n`) or of all (`2;r;g;b`; with colons a colour space may stand before). */
function extended(values: number[], colons: boolean): { colour?: Colour; taken: number } {
  if (values[0] === 5) {
    const colour = xterm(values[1] ?? NaN);
    return colour === undefined ? { taken: 2 } : { colour, taken: 2 };
  }
  if (values[0] !== 2) return { taken: 1 };
  const rgb = colons && values.length > 4 ? values.slice(2, 5) : values.slice(1, 4);
  if (rgb.length < 3 || rgb.some((value) => !(value >= 0 && value <= 255))) return { taken: 4 };
  return {
    colour: `#${rgb.map((value) => Math.trunc(value).toString(16).padStart(2, "0")).join("")}`,
    taken: 4,
  };
}
