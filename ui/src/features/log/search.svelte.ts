/** Searching a log, and filtering it by the same words. */

import { asFailure } from "../../ipc/failure";
import type { LogMatch, LogView, Stream } from "../../ipc/types";
import { sentence } from "../../stores/toasts.svelte";
import type { LogRows } from "../../stores/log.svelte";
import { compiled, TROUBLE } from "./query";
import type { Viewport } from "./viewport.svelte";

const DEBOUNCE = 120;
const ASK_AGAIN = 150;
/** How often matches are counted anew while the log grows. */
const COUNT_AGAIN = 500;

export const STREAMS: readonly Stream[] = ["stdout", "stderr", "system"];
export const CONTEXTS = [0, 2, 5] as const;

export class Search {
  isOpen = $state(false);
  text = $state("");
  regex = $state(false);
  case = $state(false);
  /** Only lines that match are shown, with so many around. */
  filter = $state(false);
  context = $state<number>(0);
  streams = $state.raw<readonly Stream[]>(STREAMS);
  hit = $state.raw<LogMatch | null>(null);
  /** What is wrong with what was typed. */
  failure = $state<string | null>(null);
  /** Nothing more in that direction; it went on from the other end. */
  wrapped = $state(false);

  readonly pattern = $derived(this.isOpen ? compiled(this) : null);

  #timer: ReturnType<typeof setTimeout> | undefined;
  #counting: ReturnType<typeof setTimeout> | undefined;
  #abort = new AbortController();

  constructor(
    private readonly log: LogRows,
    private readonly viewport: Viewport,
  ) {}

  open(filter = this.filter): void {
    const isNew = !this.isOpen || filter !== this.filter;
    this.isOpen = true;
    this.filter = filter;
    if (isNew && this.text !== "") void this.apply();
  }

  close(): void {
    this.isOpen = false;
    this.#abort.abort();
    clearTimeout(this.#timer);
    clearTimeout(this.#counting);
    this.hit = null;
    this.failure = null;
    void this.#show();
  }

  /** After something was typed or switched. */
  changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.apply(), DEBOUNCE);
  }

  async apply(): Promise<void> {
    const [line, followed] = [this.#line(false), this.viewport.following];
    this.hit = null;
    this.failure = null;
    this.wrapped = false;
    await this.#show();
    if (this.text === "") return;
    // Whoever follows what a filter lets through goes on following.
    if (this.filter && followed) await this.#count();
    else await this.#go(this.#pattern(), line, false, true);
  }

  next(back = false): void {
    if (this.text === "") return;
    const at = this.hit?.line ?? null;
    const from = at === null ? this.#line(back) : back ? at - 1 : at + 1;
    void this.#go(this.#pattern(), from, back, true);
  }

  /** Jumps to where something went wrong. `false` if nothing did. */
  trouble(back: boolean): Promise<boolean> {
    const here = this.viewport.marked ?? this.viewport.cursor;
    const line = here === null ? undefined : this.log.row(here)?.line;
    const from = line === undefined ? this.#line(back) : back ? line - 1 : line + 1;
    return this.#go({ ...TROUBLE, ...this.#streams() }, from, back, false);
  }

  setStreams(streams: readonly Stream[]): void {
    this.streams = streams.length === 0 ? STREAMS : streams;
    void this.apply();
  }

  /** The whole log, at the line of this row. */
  async showInWhole(line: number): Promise<void> {
    this.filter = false;
    this.streams = STREAMS;
    await this.#show(line);
  }

  /** Counts again what matches, after the log grew. */
  grew(): void {
    if (!this.isOpen || this.text === "" || this.#counting !== undefined) return;
    this.#counting = setTimeout(() => {
      this.#counting = undefined;
      void this.#count();
    }, COUNT_AGAIN);
  }

  /** What is shown of the log. */
  get view(): LogView {
    const filters = this.isOpen && this.filter && this.text !== "";
    return filters ? { ...this.#pattern(), context: this.context } : this.#streams();
  }

  get isFiltering(): boolean {
    return Object.keys(this.view).length > 0;
  }

  #streams(): LogView {
    return this.streams.length === STREAMS.length ? {} : { streams: [...this.streams] };
  }

  #pattern(): LogView {
    return { q: this.text, regex: this.regex, case: this.case, ...this.#streams() };
  }

  /** The line at which to begin: the first or the last that is seen. */
  #line(back: boolean): number {
    const { rows } = this.viewport.shown;
    const numbers = rows.map(({ row }) => row?.line).filter((line) => line !== undefined);
    return (back ? numbers.at(-1) : numbers[0]) ?? 0;
  }

  /** Shows what the filter lets through, and keeps the place as far as it is among that. */
  async #show(at?: number): Promise<void> {
    const view = this.view;
    if (JSON.stringify(view) === JSON.stringify(this.log.view)) {
      if (at !== undefined) this.viewport.jump(await this.log.rowOf(at));
      return;
    }
    const { viewport } = this;
    const line = at ?? (viewport.following ? null : this.#line(false));
    this.log.show(view);
    viewport.renumbered();
    if (line === null) return;
    viewport.leave();
    await this.log.known();
    const row = await this.log.rowOf(line).catch(() => 0);
    if (this.log.view === view) viewport.jump(row, at !== undefined);
  }

  async #go(pattern: LogView, from: number, back: boolean, isCounted: boolean): Promise<boolean> {
    this.#abort.abort();
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.wrapped = false;
    try {
      const match = await this.#found(pattern, from, back, signal);
      if (signal.aborted) return true;
      if (isCounted) {
        this.hit = match;
        this.failure = null;
        if (!match.complete) this.grew();
      }
      if (match.line === null) return false;
      const isWhole = Object.keys(this.log.view).length === 0;
      const row = isWhole ? (match.row ?? match.line) : await this.log.rowOf(match.line);
      if (!signal.aborted) this.viewport.jump(row);
      return true;
    } catch (thrown) {
      if (!signal.aborted) this.#failed(thrown);
      return true;
    }
  }

  /** The match; while the engine has not looked everywhere, none may only mean not yet. */
  async #found(pattern: LogView, from: number, back: boolean, signal: AbortSignal): Promise<LogMatch> {
    for (let start = Math.max(0, from); ;) {
      const match = from < 0 && !this.wrapped ? null : await this.log.find(pattern, start, back, signal);
      if (match && match.line !== null) return match;
      if (match && !match.complete) await new Promise((done) => setTimeout(done, ASK_AGAIN));
      else if (this.wrapped || (match && match.total === 0)) return match as LogMatch;
      else {
        // On from the other end.
        this.wrapped = true;
        start = back ? Number.MAX_SAFE_INTEGER : 0;
      }
      if (signal.aborted) throw new DOMException("", "AbortError");
    }
  }

  async #count(): Promise<void> {
    const before = this.hit;
    const none: LogMatch = { line: null, row: null, index: null, total: 0, complete: false };
    try {
      const { matches, complete } = await this.log.count(this.#pattern());
      if (before !== this.hit || !this.isOpen) return;
      const hit = before ?? none;
      this.hit = { ...hit, total: Math.max(matches, hit.total), complete };
      if (!complete) this.grew();
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  #failed(thrown: unknown): void {
    const { report } = asFailure(thrown);
    if (report.code === "aborted") return;
    const said = [sentence(report), ...(report.causes ?? [])].join(": ");
    // The picture of where the mistake is needs lines and a fixed width; its last line is words.
    this.failure = said.replace(/regex parse error:[^]*\berror: /, "");
  }
}
