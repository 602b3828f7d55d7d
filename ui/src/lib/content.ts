/** Bytes of a file as text to edit, and back. What a person did not change comes back as it was, to the byte. */

/** What of a text file an editor does not show but has to give back. */
export interface Format {
  /** How lines end; `mixed` ones are part of the text and not touched. */
  ends: "\n" | "\r\n" | "\r" | "mixed";
  /** Whether a byte order mark stands in front. */
  mark: boolean;
}

export interface Decoded {
  /** Lines end with `\n`, unless they are mixed. */
  text: string;
  format: Format;
}

export const PLAIN: Format = { ends: "\n", mark: false };

const MARK = [0xef, 0xbb, 0xbf];

/** `null` if the bytes are no UTF-8. */
export function decode(bytes: Uint8Array): Decoded | null {
  const mark = MARK.every((byte, index) => bytes[index] === byte);
  let raw;
  try {
    raw = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(mark ? bytes.subarray(3) : bytes);
  } catch {
    return null;
  }
  const ends = endsOf(raw);
  return {
    text: ends === "mixed" || ends === "\n" ? raw : raw.replaceAll(ends, "\n"),
    format: { ends, mark },
  };
}

/** Text to look at, of bytes that are none: what cannot be read becomes a mark. It must not be written back. */
export const decodeRoughly = (bytes: Uint8Array) => new TextDecoder().decode(bytes).replace(/\r\n?/g, "\n");

export function encode(text: string, { ends, mark }: Format): Uint8Array<ArrayBuffer> {
  const raw = ends === "mixed" || ends === "\n" ? text : text.replaceAll("\n", ends);
  const body = new TextEncoder().encode(raw);
  if (!mark) return body;
  const bytes = new Uint8Array(body.length + MARK.length);
  bytes.set(MARK);
  bytes.set(body, MARK.length);
  return bytes;
}

function endsOf(text: string): Format["ends"] {
  const both = count(text, /\r\n/g);
  const feeds = count(text, /\n/g) - both;
  const returns = count(text, /\r/g) - both;
  if (both + returns === 0) return "\n";
  if (feeds === 0 && returns === 0) return "\r\n";
  if (feeds === 0 && both === 0) return "\r";
  return "mixed";
}

const count = (text: string, what: RegExp) => text.match(what)?.length ?? 0;

/** How the endings are called where they are shown. */
export const END_NAMES: Record<Format["ends"], string> = {
  "\n": "LF",
  "\r\n": "CRLF",
  "\r": "CR",
  mixed: "Mixed line ends",
};

/** One step of indentation as the text has it: a tab, or a number of spaces. `fallback` where it shows none. */
export function indentOf(text: string, fallback = "    "): string {
  const steps = new Map<string, number>();
  let before = 0;
  for (const line of text.slice(0, 50_000).split("\n")) {
    const space = /^(\t+| +)(?=\S)/.exec(line)?.[0];
    if (space?.startsWith("\t")) steps.set("\t", (steps.get("\t") ?? 0) + 1);
    const width = space?.startsWith(" ") ? space.length : 0;
    const step = width - before;
    // One space is alignment (a comment's star), more than eight is a continued line.
    if (step >= 2 && step <= 8) steps.set(" ".repeat(step), (steps.get(" ".repeat(step)) ?? 0) + 1);
    if (line.trim() !== "") before = width;
  }
  const best = [...steps].toSorted(([, one], [, other]) => other - one)[0];
  return best?.[0] ?? fallback;
}

/** How an indentation is called where it is shown. */
export const indentName = (indent: string) => (indent === "\t" ? "Tabs" : `${indent.length} spaces`);
