/** What the command bar offers while a person types: earlier lines by arrow, paths by Tab. */

import { command, complete, history } from "../../stores/command.svelte";
import { common } from "./words";

export class Recall {
  /** Paths that are offered. */
  paths = $state<string[]>([]);
  /** Which of them is marked. */
  at = $state(0);
  #lines: string[] = [];
  #index = -1;
  #typed = "";

  /** Whether a key was meant for the list of paths. */
  onKey(event: KeyboardEvent, choose: (path: string) => void): boolean {
    if (this.paths.length === 0) return false;
    const chosen = this.paths[this.at];
    const step = { ArrowDown: 1, Tab: event.shiftKey ? -1 : 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) this.at = (this.at + step + this.paths.length) % this.paths.length;
    else if (event.key === "Enter" && chosen !== undefined) {
      this.close();
      choose(chosen);
    } else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    return true;
  }

  /** Offers paths that begin with a word; the only one, or what all have in common, is taken at once. */
  async complete(word: string, choose: (path: string) => void): Promise<void> {
    const found = await complete(word).catch(() => []);
    const shared = common(found);
    if (shared.length > word.length) choose(shared);
    this.paths = found.length > 1 ? found : [];
    this.at = 0;
  }

  /** Shows the line that was run before this one. */
  async older(): Promise<void> {
    if (this.#index < 0) {
      this.#typed = command.text;
      // Who typed something looks for lines that begin so.
      this.#lines = (await history().catch(() => [])).filter(
        (line) => line !== this.#typed && line.startsWith(this.#typed),
      );
    }
    this.#show(Math.min(this.#index + 1, this.#lines.length - 1));
  }

  /** Goes back towards what was typed. */
  newer(): void {
    if (this.#index >= 0) this.#show(this.#index - 1);
  }

  /** The text is a person's own again. */
  typed(): void {
    this.#index = -1;
    this.close();
  }

  close(): void {
    this.paths = [];
  }

  #show(index: number): void {
    this.#index = index;
    command.text = this.#lines[index] ?? this.#typed;
  }
}
