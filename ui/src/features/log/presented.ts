/** A row as it is drawn: styled text, the links in it, and what was searched for. */

import { PLAIN, present } from "../../lib/ansi";
import type { Piece, Style } from "../../lib/ansi";
import { readable, PANEL } from "../../lib/colours";
import type { Colour, Theme } from "../../lib/colours";
import { links } from "../../lib/links";
import type { Link } from "../../lib/links";
import type { Row } from "../../stores/log.svelte";

/** More changes of style than a person sees: the rest of the line is drawn without. */
const MOST_PIECES = 400;

export interface Span {
  text: string;
  style: Style;
  hit: boolean;
}

/** Spans that belong to one link, or to none. */
export interface Part {
  target: Link["target"] | null;
  spans: Span[];
}

interface Known {
  pieces: Piece[];
  text: string;
  links: Link[];
}

const known = new WeakMap<Row, Known>();

function knownOf(row: Row): Known {
  let found = known.get(row);
  if (!found) {
    const all = present(row.text, row.cut);
    const text = all.map((piece) => piece.text).join("");
    const isLink = row.kind === "stdout" || row.kind === "stderr";
    found = { pieces: limited(all), text, links: isLink ? links(text) : [] };
    known.set(row, found);
  }
  return found;
}

function limited(pieces: Piece[]): Piece[] {
  if (pieces.length <= MOST_PIECES) return pieces;
  const rest = pieces.slice(MOST_PIECES).map(({ text }) => text);
  return [...pieces.slice(0, MOST_PIECES), { text: rest.join(""), style: PLAIN }];
}

/** The text of a row without its colours. */
export const textOf = (row: Row): string => knownOf(row).text;

type Stretch = [start: number, end: number];

/** The row in parts; `hits` are what was searched for. */
export function parts(row: Row, hits: readonly Stretch[]): Part[] {
  const { pieces, links } = knownOf(row);
  const all: Part[] = [];
  let at = 0;
  for (const link of links) {
    if (link.start > at) all.push({ target: null, spans: spans(pieces, [at, link.start], hits) });
    all.push({ target: link.target, spans: spans(pieces, [link.start, link.end], hits) });
    at = link.end;
  }
  const rest = spans(pieces, [at, Infinity], hits);
  return rest.length > 0 ? [...all, { target: null, spans: rest }] : all;
}

function spans(pieces: readonly Piece[], [from, to]: Stretch, hits: readonly Stretch[]): Span[] {
  const found: Span[] = [];
  let start = 0;
  for (const { text, style } of pieces) {
    const [low, high] = [Math.max(from, start), Math.min(to, start + text.length)];
    const piece = (a: number, b: number, hit: boolean) => {
      if (a < b) found.push({ text: text.slice(a - start, b - start), style, hit });
    };
    let at = low;
    for (const [first, last] of hits) {
      if (last <= at || first >= high) continue;
      piece(at, Math.max(at, first), false);
      piece(Math.max(at, first), Math.min(high, last), true);
      at = Math.min(high, last);
    }
    piece(at, high, false);
    start += text.length;
  }
  return found;
}

/** What a style looks like; nothing where it is that of the row. */
export function colours(style: Style, theme: Theme): { text?: string; surface?: string } {
  let { fg, bg }: { fg?: Colour | undefined; bg?: Colour | undefined } = style;
  if (style.inverse) [fg, bg] = [bg ?? -1, fg ?? -2];
  if (bg === undefined) {
    if (fg === undefined) return style.dim || style.sign ? { text: "var(--dim)" } : {};
    return { text: typeof fg === "number" ? token(fg) : readable(fg, PANEL[theme]) };
  }
  // The 16 are made to be read on the panel, so the panel's colour can be read on each of them.
  if (typeof bg === "number") return { text: "var(--panel)", surface: token(bg) };
  return { text: readable(typeof fg === "string" ? fg : "#808080", bg), surface: bg };
}

/** -1 is the surface itself, -2 the text on it: what "inverse" exchanges. */
const token = (colour: number) => (colour < 0 ? "var(--text)" : `var(--ansi-${colour})`);
