/** Text of the log for the clipboard: of what is on the screen, and of what is not. */

import { count, size } from "../../lib/format";
import { attempt, say } from "../../stores/toasts.svelte";
import type { LogRows, Row } from "../../stores/log.svelte";
import { plain } from "../../lib/ansi";
import { textOf } from "./presented";
import type { Viewport } from "./viewport.svelte";

/** A clipboard is no place for more. */
const MOST = 16_000_000;
/** A line is read whole up to this. */
const LONGEST_LINE = 1 << 20;
const ROWS = 2_000;

interface End {
  row: number;
  /** In the text of the row. */
  at: number;
}

export class Copying {
  /** Everything is chosen. */
  all = $state(false);

  constructor(
    private readonly log: LogRows,
    private readonly viewport: Viewport,
  ) {}

  readonly textOf = (row: Row) =>
    row.kind === "left-out" ? `[${count(row.length)} bytes are left out here]` : textOf(row);

  chooseAll(): void {
    getSelection()?.removeAllRanges();
    this.viewport.leave();
    this.all = true;
  }

  oncopy(event: ClipboardEvent): void {
    if (this.all) {
      event.preventDefault();
      void this.copyAll();
      return;
    }
    const selection = getSelection();
    if (!selection || selection.isCollapsed) return this.#copyCursor(event);
    const range = selection.getRangeAt(0);
    const from = endOf(range.startContainer, range.startOffset);
    const to = endOf(range.endContainer, range.endOffset);
    if (!from || !to) return;
    event.preventDefault();
    const rows = this.#here(from.row, to.row);
    if (rows) event.clipboardData?.setData("text/plain", between(rows.map(this.textOf), from, to));
    else void this.#copy(from, to);
  }

  /** All rows of the view, as long as a clipboard should hold them. */
  async copyAll(): Promise<void> {
    const rows = this.viewport.rows;
    if (rows > 0) await this.#copy({ row: 0, at: 0 }, { row: rows - 1, at: Infinity });
  }

  async copyText(text: string, what: string): Promise<void> {
    if (await attempt(async () => (await navigator.clipboard.writeText(text), true))) say(`Copied ${what}.`);
  }

  #copyCursor(event: ClipboardEvent): void {
    const row = this.viewport.cursor === null ? undefined : this.log.row(this.viewport.cursor);
    if (!row) return;
    event.preventDefault();
    event.clipboardData?.setData("text/plain", this.textOf(row));
  }

  #here(from: number, to: number): Row[] | null {
    if (to - from > ROWS) return null;
    const rows: Row[] = [];
    for (let number = from; number <= to; number++) {
      const row = this.log.row(number);
      if (!row || row.cut) return null;
      rows.push(row);
    }
    return rows;
  }

  async #copy(from: End, to: End): Promise<void> {
    let isWhole = true;
    const text = this.#read(from, to).then((read) => {
      isWhole = read.isWhole;
      return read.text;
    });
    const done = await attempt(async () => {
      // The permission to write is that of the key press; a promise keeps it while the text is read.
      const item = { "text/plain": text.then((text) => new Blob([text], { type: "text/plain" })) };
      if (typeof ClipboardItem === "function") await navigator.clipboard.write([new ClipboardItem(item)]);
      else await navigator.clipboard.writeText(await text);
      return text;
    });
    if (done === undefined) return;
    const lines = count(done.split("\n").length);
    if (isWhole) say(`Copied ${lines} lines.`);
    else say(`Copied the first ${lines} lines, ${size(done.length)}. Save the output to have all of it.`);
  }

  async #read(from: End, to: End): Promise<{ text: string; isWhole: boolean }> {
    const lines: string[] = [];
    let [length, at] = [0, from.row];
    while (at <= to.row && length < MOST) {
      const rows = await this.log.read(at, Math.min(ROWS, to.row - at + 1), LONGEST_LINE);
      if (rows.length === 0) break;
      for (const row of rows) {
        const line = row.kind === "left-out" ? this.textOf(row) : plain(row.text, row.cut);
        lines.push(line);
        length += line.length + 1;
        if (length >= MOST) break;
      }
      at += rows.length;
    }
    const isWhole = from.row + lines.length > to.row;
    return { text: between(lines, from, isWhole ? to : { row: 0, at: Infinity }), isWhole };
  }
}

/** Lines from a place in the first to one in the last. */
function between(lines: string[], from: End, to: End): string {
  const last = lines.length - 1;
  return lines
    .map((line, index) =>
      line.slice(index === 0 ? from.at : 0, index === last && Number.isFinite(to.at) ? to.at : undefined),
    )
    .join("\n");
}

/** Which row an end of a selection is in, and where in its text. */
function endOf(node: Node, offset: number): End | null {
  const element = node instanceof Element ? node : node.parentElement;
  const row = element?.closest<HTMLElement>("[data-row]");
  if (!row) return null;
  const text = row.querySelector("[data-text]");
  const number = Number(row.dataset.row);
  if (!text) return { row: number, at: 0 };
  const before = document.createRange();
  before.selectNodeContents(text);
  if (text.contains(node)) before.setEnd(node, offset);
  else if (before.comparePoint(node, offset) < 0) return { row: number, at: 0 };
  const notes = before.cloneContents();
  notes.querySelectorAll(".note").forEach((note) => note.remove());
  return { row: number, at: notes.textContent?.length ?? 0 };
}
