/** Brings the bytes of a log to a terminal: in order, one request at a time, never faster than they are shown. */

import type { LogBytes } from "../../ipc/api";

/** Whoever comes to a longer log sees its end: a terminal keeps only so many lines anyway. */
const LONG = 8 << 20;
const KEPT = 2 << 20;

export interface Sink {
  /** Shows bytes; done when there is room for more. */
  write(bytes: Uint8Array): Promise<void>;
  /** So many bytes were left out here. */
  skipped(bytes: number): void;
  /** Everything up to here was there before anybody looked. */
  caughtUp(): void;
  ended(): void;
}

export class Pump {
  #at = 0;
  #first = true;
  #busy = false;
  #again = false;
  #isOver = false;
  #closed = false;
  /** How long the log was when it was looked at first. */
  #begun = 0;

  constructor(
    private readonly read: (from: number) => Promise<LogBytes>,
    private readonly sink: Sink,
  ) {}

  /** There is more, or may be. */
  async poke(): Promise<void> {
    this.#again = true;
    if (this.#busy || this.#isOver || this.#closed) return;
    this.#busy = true;
    try {
      while (this.#again && !this.#closed) {
        this.#again = false;
        await this.#drain();
      }
    } catch {
      // The connection says so; what is missing is asked for when it is back.
    } finally {
      this.#busy = false;
    }
  }

  async #drain(): Promise<void> {
    for (;;) {
      const part = await this.read(this.#at);
      if (this.#closed) return;
      if (this.#first) {
        this.#first = false;
        this.#begun = part.length;
        if (part.length > LONG) {
          this.#at = part.length - KEPT;
          this.sink.skipped(this.#at);
          continue;
        }
      }
      if (part.offset > this.#at) this.sink.skipped(part.offset - this.#at);
      this.#at = Math.max(this.#at, part.offset) + part.bytes.length;
      if (part.bytes.length > 0) await this.sink.write(part.bytes);
      if (this.#at >= this.#begun) this.sink.caughtUp();
      if (this.#at < part.length && part.bytes.length > 0) continue;
      if (part.ended && this.#at >= part.length) this.#end();
      return;
    }
  }

  #end(): void {
    this.#isOver = true;
    this.sink.ended();
  }

  close(): void {
    this.#closed = true;
  }
}
