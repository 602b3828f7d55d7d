/** The editor itself, as one part that is read when the first file is opened. */

import {
  addCursorAbove,
  addCursorBelow,
  redo,
  toggleComment,
  toggleTabFocusMode,
  undo,
} from "@codemirror/commands";
import { openSearchPanel } from "@codemirror/search";
import { EditorView, keymap } from "@codemirror/view";
import type { Command } from "@codemirror/view";

import type { OpenDocument } from "../../../stores/documents.svelte";
import { CodeBuffer, at } from "./buffer";
import { grammar } from "./languages";
import { begin, language, readOnly, wrap, wrapping, writing } from "./setup";

export interface Place {
  line: number;
  column: number;
  /** Characters that are selected, and cursors. */
  selected: number;
  cursors: number;
}

const COMMANDS = {
  find: openSearchPanel,
  comment: toggleComment,
  undo,
  redo,
  "cursor-above": addCursorAbove,
  "cursor-below": addCursorBelow,
  "tab-leaves": toggleTabFocusMode,
} satisfies Record<string, Command>;

export type CommandName = keyof typeof COMMANDS;

export class CodeEditor {
  readonly #view: EditorView;
  #shown: CodeBuffer | null = null;

  constructor(
    parent: HTMLElement,
    private readonly moved: (place: Place) => void,
    /** The output has the same keys for its own lines: here they are ours. */
    private readonly rewrap: () => void,
  ) {
    this.#view = new EditorView({ parent });
  }

  /** Shows a document, as it was when it was shown last. */
  show(document: OpenDocument, wrapped: boolean): void {
    const buffer = document.buffer instanceof CodeBuffer ? document.buffer : this.#begin(document, wrapped);
    if (this.#shown === buffer) return;
    this.#shown?.hide();
    this.#shown = buffer;
    buffer.show(this.#view, { moved: () => this.#tell(), rewrap: this.rewrap });
    this.wrap(wrapped);
    this.write(!document.readOnly);
    this.#tell();
  }

  #begin(document: OpenDocument, wrapped: boolean): CodeBuffer {
    const shower = () => (document.buffer instanceof CodeBuffer ? document.buffer.shownBy : null);
    const listener = EditorView.updateListener.of(({ docChanged, selectionSet }) => {
      if (docChanged) document.edited();
      if (docChanged || selectionSet) shower()?.moved();
    });
    const keys = keymap.of([{ key: "Alt-z", run: () => (shower()?.rewrap(), true) }]);
    const parts = { label: `Text of ${document.name}`, wrap: wrapped, readOnly: document.readOnly };
    const buffer = new CodeBuffer(document, begin(document.text, parts, [listener, keys]));
    document.buffer = buffer;
    return buffer;
  }

  #tell(): void {
    const { selection, doc } = this.#view.state;
    const { head } = selection.main;
    const line = doc.lineAt(head);
    const selected = selection.ranges.reduce((sum, { from, to }) => sum + to - from, 0);
    this.moved({
      line: line.number,
      column: head - line.from + 1,
      selected,
      cursors: selection.ranges.length,
    });
  }

  async speak(of: OpenDocument): Promise<void> {
    const wanted = of.language.grammar;
    const buffer = this.#shown;
    if (buffer?.document !== of || buffer.grammar === wanted) return;
    const extension = await grammar(wanted);
    if (this.#shown !== buffer) return;
    buffer.grammar = wanted;
    this.#view.dispatch({ effects: language.reconfigure(extension) });
  }

  wrap(wanted: boolean): void {
    this.#view.dispatch({ effects: wrapping.reconfigure(wrap(wanted)) });
  }

  write(allowed: boolean): void {
    this.#view.dispatch({ effects: writing.reconfigure(readOnly(!allowed)) });
  }

  /** Puts the cursor on a line that counts from 1, in the middle of what is shown. */
  goTo(line: number, column = 0): void {
    const selection = at(this.#view.state, line, column);
    this.#view.dispatch({ selection, effects: EditorView.scrollIntoView(selection.head, { y: "center" }) });
  }

  get lines(): number {
    return this.#view.state.doc.lines;
  }

  do(name: CommandName): void {
    if (name !== "find") this.focus();
    COMMANDS[name](this.#view);
  }

  focus(): void {
    this.#view.focus();
  }

  /** Leaves the documents as they are, for the next editor. */
  close(): void {
    this.#shown?.hide();
    this.#view.destroy();
  }
}
