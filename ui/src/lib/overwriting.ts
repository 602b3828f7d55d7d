/** A line that is drawn over itself, as progress is: what stands in each cell at the end. */

import type { Piece, Style } from "./ansi";
import { width } from "./cells";

const TAB = 8;

/** What stands in a cell. The second cell of a wide character is empty. */
interface Cell {
  text: string;
  style: Style;
}

export class Cells {
  readonly #cells: (Cell | undefined)[] = [];
  #at = 0;

  put(text: string, style: Style): void {
    for (const character of text) {
      if (character === "\t") this.#at += TAB - (this.#at % TAB);
      else this.#write(character, style);
    }
  }

  back(): void {
    this.#at = Math.max(0, this.#at - 1);
  }

  home(): void {
    this.#at = 0;
  }

  /** 0: from the cursor on; 1: up to it; 2: everything. */
  erase(what: number): void {
    if (what === 0) this.#cells.length = Math.min(this.#cells.length, this.#at);
    else if (what === 2) this.#cells.length = 0;
    else this.#cells.fill(undefined, 0, this.#at + 1);
  }

  pieces(): Piece[] {
    const pieces: Piece[] = [];
    for (let at = 0; at < this.#cells.length; at++) {
      const { text, style } = this.#cells[at] ?? { text: " ", style: pieces.at(-1)?.style ?? {} };
      const last = pieces.at(-1);
      if (last?.style === style) last.text += text;
      else if (text !== "") pieces.push({ text, style });
    }
    return pieces;
  }

  #write(character: string, style: Style): void {
    const cells = width(character);
    const before = this.#cells[this.#at - 1];
    if (cells === 0 && before) {
      // An accent belongs to the character before it.
      this.#cells[this.#at - 1] = { ...before, text: before.text + character };
      return;
    }
    this.#halve(this.#at);
    this.#halve(this.#at + Math.max(1, cells));
    this.#cells[this.#at] = { text: character, style };
    if (cells === 2) this.#cells[this.#at + 1] = { text: "", style };
    this.#at += Math.max(1, cells);
  }

  /** Whoever writes into the second half of a wide character, or up to it, leaves a blank of the other half. */
  #halve(at: number): void {
    const cell = this.#cells[at];
    if (cell?.text !== "" || at === 0) return;
    this.#cells[at] = { ...cell, text: " " };
    const left = this.#cells[at - 1];
    if (left && left.text !== "" && width(left.text) === 2) this.#cells[at - 1] = { ...left, text: " " };
  }
}
