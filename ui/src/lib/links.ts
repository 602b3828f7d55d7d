/** Addresses and places in files that stand in a line of output. */

export interface Link {
  start: number;
  end: number;
  target: { url: string } | { path: string; line?: number };
}

/** Longer lines have none: they are data, and looking would take time. */
export const LONGEST = 2000;

const LONGEST_PATH = 300;

const URL_START = /\bhttps?:\/\//g;
const URL_END = /[\s<>"'`\u0000-\u001f{}|\\^]/;
const PYTHON = /\bFile "([^"]{1,300})", line (\d{1,9})/g;
const PLACE = /:(\d{1,9})(?::\d{1,9})?(?!\d)/g;
/** In TypeScript's way: `a.ts(3,14)`. */
const PLACE_IN_BRACKETS = /\((\d{1,9}),\d{1,9}\)/g;
const PATH = /[^\s"'`()[\]{}<>|,;:=*?]/;
const ENDS_AS_FILE = /[\w)\]-]\.[A-Za-z]\w{0,9}$/;
const SLASHED = /(?:\.{0,2}\/)?(?:[\w@+.-]{1,80}\/){1,20}[\w@+-][\w@+.-]{0,80}\.[A-Za-z]\w{0,5}(?![\w/])/g;
/** `example.com/page.html` is no file. */
const HOST = /^[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|io|dev|rs|edu|gov|eu|de|uk|app|sh|ai)\//i;

/** The links of a line, in order, none over another. */
export function links(text: string): Link[] {
  if (text.length > LONGEST) return [];
  const found: Link[] = [];
  const isFree = (start: number, end: number) =>
    found.every((link) => end <= link.start || start >= link.end);
  const add = (start: number, end: number, target: Link["target"]) => {
    if (start < end && isFree(start, end)) found.push({ start, end, target });
  };
  urls(text, add);
  for (const match of text.matchAll(PYTHON)) {
    const [whole, path = "", line] = match;
    // `<string>`, `<stdin>` and the like.
    if (!path.startsWith("<"))
      add(match.index, match.index + whole.length, { path: cleaned(path), line: Number(line) });
  }
  for (const pattern of [PLACE, PLACE_IN_BRACKETS]) places(text, pattern, add);
  for (const { index, 0: path } of text.matchAll(SLASHED)) {
    const before = text[index - 1];
    if ((before === undefined || !PATH.test(before)) && !HOST.test(path))
      add(index, index + path.length, { path });
  }
  return found.sort((a, b) => a.start - b.start);
}

type Add = (start: number, end: number, target: Link["target"]) => void;

function urls(text: string, add: Add): void {
  let from = 0;
  for (const { index: start, 0: scheme } of text.matchAll(URL_START)) {
    if (start < from) continue;
    let end = start + scheme.length;
    while (end < text.length && !URL_END.test(text.charAt(end))) end += 1;
    from = end;
    end = start + withoutEnd(text.slice(start, end)).length;
    const url = text.slice(start, end);
    if (URL.canParse(url)) add(start, end, { url });
  }
}

/** Full stops and closing brackets after an address belong to the sentence, unless they were opened in it. */
function withoutEnd(url: string): string {
  let end = url.length;
  for (; end > 0; end--) {
    const last = url.charAt(end - 1);
    if (/[.,;:!?]/.test(last)) continue;
    const opening = { ")": "(", "]": "[" }[last];
    if (opening === undefined || isBalanced(url.slice(0, end), opening, last)) break;
  }
  return url.slice(0, end);
}

const isBalanced = (url: string, opening: string, closing: string) =>
  url.split(opening).length >= url.split(closing).length;

/** Places by their end, from which the path is found backwards. */
function places(text: string, pattern: RegExp, add: Add): void {
  for (const match of text.matchAll(pattern)) {
    let start = match.index;
    while (start > 0 && match.index - start < LONGEST_PATH && PATH.test(text.charAt(start - 1))) start -= 1;
    // `C:\` has a colon of its own.
    if (/^[\\/]/.test(text.slice(start)) && /(?:^|[^A-Za-z])[A-Za-z]:$/.test(text.slice(0, start)))
      start -= 2;
    // `file:///` stands before many.
    const path = text.slice(start, match.index);
    if (!ENDS_AS_FILE.test(path) || path.includes("://")) continue;
    const scheme = text.slice(Math.max(0, start - 5), start) === "file:" ? 5 : 0;
    add(start - scheme, match.index + match[0].length, { path: cleaned(path), line: Number(match[1]) });
  }
}

const cleaned = (path: string) => path.replace(/^\/\/(?=\/)/, "").replace(/^(?:\.\/)+/, "");
