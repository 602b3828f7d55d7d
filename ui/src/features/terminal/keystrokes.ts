/** What is typed, on its way to a run: in its order, what comes while something is sent in one piece after it. */

export class Keystrokes {
  #waiting: Uint8Array[] = [];
  #sending = false;

  constructor(
    private readonly send: (bytes: Uint8Array<ArrayBuffer>) => Promise<unknown>,
    private readonly failed: (thrown: unknown) => void,
  ) {}

  type(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    if (!this.#sending) void this.#flush();
  }

  async #flush(): Promise<void> {
    this.#sending = true;
    // What one key or one paste gives in several pieces goes together.
    await Promise.resolve();
    try {
      while (this.#waiting.length > 0) {
        const bytes = joinBytes(this.#waiting);
        this.#waiting = [];
        await this.send(bytes);
      }
    } catch (thrown) {
      // Sent later, it would answer another question than it was typed for.
      this.#waiting = [];
      this.failed(thrown);
    } finally {
      this.#sending = false;
    }
  }
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Bytes that a terminal gives as characters: reports of the mouse. */
export const binary = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
