/** A list that is read again and again, and what is done to what is in it. */

import { asFailure } from "../ipc/failure";
import type { Report } from "../ipc/types";
import { onReturn } from "./connection.svelte";
import { attempt, say } from "./toasts.svelte";

/** How long what was removed can be taken back. */
const UNDO = 8_000;

export function listed<Row>(ask: () => Promise<Row[]>) {
  let all = $state.raw<Row[]>([]);
  let loaded = $state(false);
  let answered = $state(false);
  let failure = $state.raw<Report | null>(null);
  let asked = 0;

  /** Reads the list. An answer that is overtaken is dropped. */
  async function read(): Promise<void> {
    const mine = ++asked;
    try {
      const found = await ask();
      if (mine !== asked) return;
      all = found;
      answered = true;
      failure = null;
    } catch (thrown) {
      if (mine !== asked) return;
      const { report, status } = asFailure(thrown);
      // While Stigmer itself does not answer, the status line says so, and what was read stays.
      if (status !== 0 || !loaded) failure = report;
      answered ||= status !== 0;
    }
    loaded = true;
  }

  onReturn(() => {
    if (loaded) void read();
  });

  return {
    get all() {
      return all;
    },
    /** Whether the first answer is here, whichever. */
    get loaded() {
      return loaded;
    },
    /** Whether Stigmer itself ever answered. */
    get answered() {
      return answered;
    },
    /** Why there is no list. */
    get failure() {
      return failure;
    },
    read,
    /** Carries out a change and looks at what came of it; where it takes its time, also meanwhile, so often. */
    async change(what: () => Promise<unknown>, meanwhile?: number): Promise<boolean> {
      const timer = meanwhile === undefined ? undefined : setInterval(() => void read(), meanwhile);
      const done = await attempt(async () => {
        await what();
        return true;
      });
      clearInterval(timer);
      await read();
      return done ?? false;
    },
  };
}

/** Does something a while later, unless it is taken back: `restore` undoes what shows of it already. */
export function undoable(said: string, restore: () => void, carryOut: () => Promise<void>): void {
  const now = () => {
    removeEventListener("pagehide", now);
    clearTimeout(timer);
    void carryOut().then(restore);
  };
  const timer = setTimeout(now, UNDO);
  // Whoever closes the window has not taken it back.
  addEventListener("pagehide", now, { once: true });
  say(said, {
    label: "Undo",
    act: () => {
      clearTimeout(timer);
      removeEventListener("pagehide", now);
      restore();
    },
  });
}
