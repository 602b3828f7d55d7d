/** The rows of one run's output, read by number. Whatever its length, this keeps those around what is looked at. */

import { log as requests } from "../ipc/api";
import { asFailure } from "../ipc/failure";
import type { Row } from "../ipc/rows";
import type { LogMatch, LogView, LogViewed, Report } from "../ipc/types";
import { onNotice, onReturn, watchRun } from "./connection.svelte";

export type { Row };

/** Rows that are kept; beyond that, those far from what is looked at go. */
const KEPT = 4000;
const NEAR = 1500;
/** Rows of one request. */
const MOST = 600;
/** How soon a search that is not done is asked again. */
const ASK_AGAIN = 100;
/** How soon something that failed is tried again. */
const TRY_AGAIN = 2000;

interface Kept {
  row: Row;
  /** How long the log was then. */
  bytes: number;
}

interface Range {
  from: number;
  to: number;
}

const NOTHING: LogViewed = { rows: 0, lines: 0, bytes: 0, matches: 0, complete: false, ended: false };

export class LogRows {
  /** What there is of it, as of the last answer; `null` before the first. */
  seen = $state.raw<LogViewed | null>(null);
  /** Grows with each row that came. */
  version = $state(0);
  failure = $state.raw<Report | null>(null);
  view = $state.raw<LogView>({});
  /** Rows at the end that are read together with the length: what is shown then fits it. 0 while nobody follows. */
  tail = 0;

  #kept = new Map<number, Kept>();
  #wanted: Range = { from: 0, to: 0 };
  #near: Range = { from: 0, to: 0 };
  /** From this row on numbers shift while the log grows: a stretch before it is being left out. */
  #shifting = Infinity;
  #abort = new AbortController();
  #isBehind = true;
  #isPulling = false;
  #isFilling = false;
  #frame = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waiting: (() => void)[] = [];
  readonly #stop: (() => void)[];

  constructor(readonly id: string) {
    this.#stop = [
      watchRun(id),
      onNotice((notice) => {
        if ((notice.type === "log" || notice.type === "run") && notice.run_id === id) this.pull();
      }),
      onReturn(() => this.pull()),
    ];
    this.pull();
  }

  close(): void {
    this.#stop.forEach((stop) => stop());
    this.#forget();
    this.#isBehind = false;
  }

  /** Looks at other lines of it. */
  show(view: LogView): void {
    this.#forget();
    this.view = view;
    this.seen = null;
    this.failure = null;
    this.pull();
  }

  /** Waits until it is known how much there is, or that this cannot be known. */
  async known(): Promise<void> {
    if (this.seen === null) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  row(number: number): Row | undefined {
    return this.#kept.get(number)?.row;
  }

  /** Reads what grew. Calls until the next frame are one, and one request is on its way at a time. */
  pull(): void {
    this.#isBehind = true;
    if (this.#frame === 0 && !this.#isPulling) this.#frame = requestAnimationFrame(() => void this.#pull());
  }

  /** These rows are looked at; those around them may be soon. */
  want(from: number, to: number): void {
    const page = Math.max(40, to - from);
    this.#wanted = { from, to };
    this.#near = { from: from - page, to: to + page };
    void this.#fill();
  }

  find(view: LogView, from: number, back: boolean, signal?: AbortSignal): Promise<LogMatch> {
    return requests.find(this.id, view, from, back, signal);
  }

  /** Rows as they are, past what is kept. */
  read(from: number, count: number, cut?: number): Promise<Row[]> {
    return requests.rows(this.id, this.view, from, count, cut === undefined ? {} : { cut });
  }

  count(view: LogView, signal?: AbortSignal): Promise<LogViewed> {
    return requests.view(this.id, view, signal);
  }

  /** The row that shows a line, or the first behind it. The numbers of lines grow with those of rows. */
  async rowOf(line: number): Promise<number> {
    let low = 0;
    let high = Math.min(line, this.seen?.rows ?? 0);
    const [first] = await this.read(high, 1, 0);
    if (first?.line === line) return high;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const [row] = await this.read(middle, 1, 0);
      if (row === undefined || row.line >= line) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #forget(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
    this.#frame = 0;
    this.#isPulling = false;
    this.#isFilling = false;
    this.#kept = new Map();
    this.#shifting = Infinity;
    this.#told();
  }

  async #pull(): Promise<void> {
    this.#frame = 0;
    if (!this.#isBehind || this.#isPulling) return;
    this.#isBehind = false;
    this.#isPulling = true;
    const { signal } = this.#abort;
    try {
      const seen = await requests.view(this.id, this.view, signal);
      const from = Math.max(0, seen.rows - this.tail);
      const isThere = this.tail === 0 || !this.#missing({ from, to: seen.rows }, seen.bytes);
      const rows = isThere ? [] : await this.#read(from, seen.rows - from, signal);
      if (signal.aborted) return;
      this.#published(seen, from, rows);
    } catch (thrown) {
      if (!signal.aborted) this.#failed(thrown);
    }
    if (signal.aborted) return;
    this.#isPulling = false;
    if (this.#isBehind) this.pull();
    void this.#fill();
  }

  #published(seen: LogViewed, from: number, rows: Row[]): void {
    this.#keep(from, rows, seen.bytes);
    const before = this.seen ?? NOTHING;
    const same = (Object.keys(seen) as (keyof LogViewed)[]).every((name) => seen[name] === before[name]);
    if (!same || this.seen === null) this.seen = seen;
    this.failure = null;
    this.#told();
    if (!seen.complete) this.#later(ASK_AGAIN);
  }

  #failed(thrown: unknown): void {
    const { report, status } = asFailure(thrown);
    if (report.code === "aborted") return;
    this.failure = report;
    this.#told();
    // What the engine refused will not be another answer by itself.
    if (status === 0 || status >= 500) this.#later(TRY_AGAIN);
  }

  #told(): void {
    this.#waiting.forEach((resolve) => resolve());
    this.#waiting = [];
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.pull(), ms);
  }

  #read(from: number, count: number, signal: AbortSignal): Promise<Row[]> {
    return requests.rows(this.id, this.view, from, count, { signal });
  }

  /** Reads what is looked at and not here, then what may be looked at soon. */
  async #fill(): Promise<void> {
    if (this.#isFilling || this.seen === null) return;
    const range = this.#next(this.seen);
    if (!range) return;
    this.#isFilling = true;
    const { signal } = this.#abort;
    let came = 0;
    try {
      const { bytes } = this.seen;
      const rows = await this.#read(range.from, range.to - range.from, signal);
      if (signal.aborted) return;
      came = rows.length;
      this.#keep(range.from, rows, bytes);
    } catch (thrown) {
      if (!signal.aborted) this.#failed(thrown);
    }
    if (signal.aborted) return;
    this.#isFilling = false;
    if (came > 0) void this.#fill();
  }

  #next({ rows, bytes }: LogViewed): Range | undefined {
    const within = ({ from, to }: Range) => ({ from: Math.max(0, from), to: Math.min(rows, to) });
    const urgent = this.#missing(within(this.#wanted), bytes);
    // The end is read with each growth as long as somebody follows.
    if (!urgent && (this.tail > 0 || !this.#missing(within(this.#near), bytes))) return undefined;
    const page = this.#near.to - this.#wanted.to;
    const { from, to } = urgent ? this.#near : { from: this.#near.from - page, to: this.#near.to + page };
    const range = this.#missing(within({ from, to }), bytes);
    if (!range || range.to - range.from <= MOST) return range;
    const first = urgent?.from ?? range.from;
    return { from: first, to: Math.min(range.to, first + MOST) };
  }

  /** From the first row of a range that is not here (or may be another by now) to the last. */
  #missing({ from, to }: Range, bytes: number): Range | undefined {
    let [first, last] = [-1, -1];
    for (let number = from; number < to; number++) {
      if (this.#isHere(number, bytes)) continue;
      if (first < 0) first = number;
      last = number;
    }
    return first < 0 ? undefined : { from: first, to: last + 1 };
  }

  #isHere(number: number, bytes: number): boolean {
    const kept = this.#kept.get(number);
    return kept !== undefined && (kept.bytes === bytes || (!kept.row.open && number < this.#shifting));
  }

  #keep(from: number, rows: Row[], bytes: number): void {
    if (rows.length === 0) return;
    rows.forEach((row, index) => {
      this.#kept.set(from + index, { row, bytes });
      if (row.kind === "left-out") this.#shifting = Math.min(this.#shifting, from + index);
    });
    if (this.#kept.size > KEPT) this.#drop(from);
    this.version += 1;
  }

  #drop(newest: number): void {
    const around = this.tail > 0 ? newest : this.#wanted.from;
    for (const number of this.#kept.keys()) {
      if (Math.abs(number - around) > NEAR && Math.abs(number - newest) > MOST) this.#kept.delete(number);
    }
  }
}
