/** What of a log stands on the screen: where it is looked at, whether the end is followed, which rows that are. */

import { cells } from "../../lib/cells";
import type { LogRows, Row } from "../../stores/log.svelte";
import { asRows, ending, fromBar, fromRows, isBefore, moved, pretended, toBar } from "./position";
import { ROW, START, TALLEST } from "./position";
import type { Position } from "./position";
import { textOf } from "./presented";

/** How long the rows of before stay when those that are wanted are not here yet: nothing flashes. */
const HOLD = 160;
/** Heights that are remembered, of rows that wrap. */
const HEIGHTS = 5000;

export interface Shown {
  rows: { number: number; row: Row | undefined }[];
  /** Pixels of the first row that are above the upper edge. */
  offset: number;
  /** The last row stands at the lower edge, and the first may reach over the upper one. */
  fromEnd: boolean;
}

export class Viewport {
  shown = $state.raw<Shown>({ rows: [], offset: 0, fromEnd: false });
  /** Pixels that the scroll bar's way stands for; see `position`. */
  way = $state(0);
  following = $state(true);
  /** The row that the keyboard is on. */
  cursor = $state<number | null>(null);
  /** The row that was jumped to. */
  marked = $state<number | null>(null);

  #position = START;
  #end = START;
  #height = 0;
  #columns = 80;
  #wrap = false;
  #mean = ROW;
  #heights = new Map<number, number>();
  #hold: ReturnType<typeof setTimeout> | undefined;
  #isHeld = false;
  /** How many rows there were when the end was left; `null` until it is known. */
  #left = $state<number | null>(null);

  constructor(readonly log: LogRows) {}

  readonly heightOf = (row: number): number => {
    if (!this.#wrap) return ROW;
    const known = this.#heights.get(row) ?? this.#estimate(row);
    return known ?? ROW;
  };

  get rows(): number {
    return this.log.seen?.rows ?? 0;
  }

  get height(): number {
    return this.#height;
  }

  /** Lines that came since the end was left. */
  get fresh(): number {
    return this.following || this.#left === null ? 0 : Math.max(0, this.rows - this.#left);
  }

  /** The bar is the position itself. */
  get isExact(): boolean {
    return !this.#wrap && this.rows * ROW <= TALLEST;
  }

  /** Where the bar belongs, on a way of so many pixels. */
  bar(way: number): number {
    if (this.following) return way;
    if (this.isExact) return this.#position.row * ROW + this.#position.offset;
    return toBar(asRows(this.#position, this.heightOf), asRows(this.#end, this.heightOf), way);
  }

  /** The first and the last row that are seen whole. */
  get whole(): { first: number; last: number } {
    const { rows } = this.shown;
    const first = rows[0]?.number ?? 0;
    const last = rows.at(-1)?.number ?? 0;
    const isFull = this.shown.fromEnd || this.#position.offset > 0;
    return {
      first: Math.min(last, isFull ? first + 1 : first),
      last: this.following ? last : Math.max(first, last - 1),
    };
  }

  resize(height: number, columns: number, wrap: boolean): void {
    if (height === this.#height && columns === this.#columns && wrap === this.#wrap) return;
    if (columns !== this.#columns || wrap !== this.#wrap) this.#forgetHeights();
    this.#height = height;
    this.#columns = Math.max(1, columns);
    this.#wrap = wrap;
    this.update();
  }

  /** Everything is numbered anew: another view of the log. */
  renumbered(): void {
    this.#forgetHeights();
    this.cursor = null;
    this.marked = null;
    this.#left = null;
    this.#isHeld = false;
  }

  /** Heights of rows on the screen, of which some wrap. */
  measured(heights: Map<number, number>): void {
    if (this.#heights.size > HEIGHTS) this.#heights.clear();
    let changed = false;
    for (const [row, height] of heights) {
      changed ||= this.heightOf(row) !== height;
      this.#heights.set(row, height);
    }
    if (heights.size > 0)
      this.#mean = [...heights.values()].reduce((sum, height) => sum + height, 0) / heights.size;
    if (changed) this.update();
  }

  /** By so many pixels, as with a wheel. */
  scrollBy(pixels: number): void {
    this.#go(moved(this.#position, pixels, this.rows, this.heightOf), pixels > 0);
  }

  /** To a place of the bar. */
  scrollTo(bar: number, way: number): void {
    const to = this.isExact
      ? { row: Math.floor(bar / ROW), offset: bar % ROW }
      : fromRows(fromBar(bar, asRows(this.#end, this.heightOf), way), this.heightOf);
    this.#go(to, bar >= way - 1);
  }

  /** Shows a row: where it is if it can be seen, else in the upper third. */
  jump(row: number, mark = true): void {
    this.marked = mark ? row : null;
    const { first, last } = this.whole;
    if (mark && row >= first && row <= last && this.shown.rows.length > 1) return;
    this.#go(
      moved({ row, offset: 0 }, -Math.floor(this.#height / 3 / ROW) * ROW, this.rows, this.heightOf),
      false,
    );
  }

  /** Moves the cursor, and what is seen only as far as it takes. */
  point(row: number): void {
    const to = Math.max(0, Math.min(this.rows - 1, row));
    this.cursor = to;
    const { first, last } = this.whole;
    if (to < first) this.#go({ row: to, offset: 0 }, false);
    else if (to > last) {
      const end = ending(to + 1, this.#height, this.heightOf);
      this.#go(end, to === this.rows - 1);
    } else if (to < this.rows - 1) this.leave();
  }

  follow(): void {
    this.following = true;
    this.update();
  }

  /** Stays where it is. */
  leave(): void {
    if (!this.following) return;
    this.following = false;
    this.#position = this.#end;
    this.#left = this.rows;
    this.update();
  }

  #go(position: Position, mayFollow: boolean): void {
    const wasFollowing = this.following;
    const isEnd = !isBefore(position, moved(this.#end, -1, this.rows, this.heightOf));
    this.following = isEnd && mayFollow;
    if (wasFollowing && !this.following) this.#left = this.rows;
    this.#position = isBefore(this.#end, position) ? this.#end : position;
    this.update();
  }

  /** Looks anew which rows there are to be shown. */
  update(): void {
    const { seen } = this.log;
    if (seen === null || this.#height === 0) return;
    this.#left ??= seen.rows;
    this.way = pretended(seen.rows, this.#wrap ? this.#mean : ROW);
    this.#end = ending(seen.rows, this.#height, this.heightOf);
    if (this.following || isBefore(this.#end, this.#position)) this.#position = this.#end;
    const { row: from, offset } = this.#position;
    const to = this.#behindLast(seen.rows);
    this.log.tail = this.following ? Math.max(Math.ceil(this.#height / ROW) + 1, to - from) : 0;
    this.log.want(from, to);
    const fromEnd = this.following && (from > 0 || offset > 0);
    this.#paint({ from, to, offset, fromEnd });
  }

  #behindLast(rows: number): number {
    const { row, offset } = this.#position;
    let to = row;
    for (let left = this.#height + offset; left > 0 && to < rows; to++) left -= this.heightOf(to);
    return to;
  }

  #paint({
    from,
    to,
    offset,
    fromEnd,
  }: {
    from: number;
    to: number;
    offset: number;
    fromEnd: boolean;
  }): void {
    const rows = Array.from({ length: to - from }, (_, index) => ({
      number: from + index,
      row: this.log.row(from + index),
    }));
    const isThere = rows.length === 0 || rows.some(({ row }) => row !== undefined);
    if (!isThere && !this.#isHeld) {
      this.#hold ??= setTimeout(() => {
        this.#hold = undefined;
        this.#isHeld = true;
        this.update();
      }, HOLD);
      return;
    }
    if (isThere) {
      clearTimeout(this.#hold);
      this.#hold = undefined;
      this.#isHeld = false;
    }
    this.shown = { rows, offset, fromEnd };
  }

  #forgetHeights(): void {
    this.#heights.clear();
    this.#mean = ROW;
  }

  /** By its text: characters have one width, and lines break anywhere. */
  #estimate(number: number): number | undefined {
    const row = this.log.row(number);
    return row && Math.max(1, Math.ceil(cells(textOf(row)) / this.#columns)) * ROW;
  }
}
