/** The text of one document as the editor has it: with its selection and its history, shown or not. */

import { EditorSelection } from "@codemirror/state";
import type { EditorState, StateEffect, Transaction } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";

import type { Grammar } from "../../../lib/languages";
import type { Buffer, OpenDocument } from "../../../stores/documents.svelte";

export interface Shower {
  moved: () => void;
  rewrap: () => void;
}

export class CodeBuffer implements Buffer {
  /** Who shows it now: another one after the pages were elsewhere meanwhile. */
  shownBy: Shower | null = null;
  /** What it is coloured by; nothing yet. */
  grammar: Grammar | null = null;
  #state: EditorState;
  #view: EditorView | null = null;
  #scroll: StateEffect<unknown> | null = null;

  constructor(
    readonly document: OpenDocument,
    state: EditorState,
  ) {
    this.#state = state;
  }

  get state(): EditorState {
    return this.#view?.state ?? this.#state;
  }

  get length(): number {
    return this.state.doc.length;
  }

  text(): string {
    return this.state.doc.toString();
  }

  /** What is selected, with several cursors line by line. */
  selection(): string {
    const { selection, doc } = this.state;
    const parts = selection.ranges
      .filter((range) => !range.empty)
      .map(({ from, to }) => doc.sliceString(from, to));
    return parts.join("\n");
  }

  show(view: EditorView, by: Shower): void {
    this.shownBy = by;
    view.setState(this.#state);
    this.#view = view;
    if (this.#scroll) view.dispatch({ effects: this.#scroll });
  }

  hide(): void {
    if (!this.#view) return;
    this.#state = this.#view.state;
    this.#scroll = this.#view.scrollSnapshot();
    this.#view = null;
    this.shownBy = null;
  }

  /** Only what differs is replaced, so that cursor, scroll and folds stay where they are; it can be undone. */
  replace(text: string): void {
    const change = difference(this.text(), text);
    if (!change) return;
    const { doc, selection } = this.state;
    const inside = selection.main.head > change.from && selection.main.head < change.to;
    const line = doc.lineAt(selection.main.head);
    const place = { number: line.number, column: selection.main.head - line.from };
    this.#dispatch(this.state.update({ changes: change, userEvent: "reload" }));
    // A cursor in what was replaced stays on its line.
    if (inside) this.#dispatch(this.state.update({ selection: at(this.state, place.number, place.column) }));
  }

  #dispatch(transaction: Transaction): void {
    if (this.#view) {
      const { scrollTop } = this.#view.scrollDOM;
      this.#view.dispatch(transaction);
      this.#view.scrollDOM.scrollTop = scrollTop;
    } else this.#state = transaction.state;
  }
}

/** A cursor on a line that counts from 1, as far as there is one. */
export function at(state: EditorState, number: number, column = 0) {
  const line = state.doc.line(Math.max(1, Math.min(state.doc.lines, number)));
  return EditorSelection.cursor(line.from + Math.min(column, line.length));
}

/** The stretch in which two texts differ. */
export function difference(before: string, after: string) {
  if (before === after) return null;
  const most = Math.min(before.length, after.length);
  let from = 0;
  while (from < most && before.charCodeAt(from) === after.charCodeAt(from)) from += 1;
  let tail = 0;
  while (
    tail < most - from &&
    before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)
  )
    tail += 1;
  return { from, to: before.length - tail, insert: after.slice(from, after.length - tail) };
}
