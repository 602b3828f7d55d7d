/** What is asked about the one thing whose detail is open. */

import { asFailure } from "../ipc/failure";
import type { Report } from "../ipc/types";

/**
 * What is known of something else is dropped at once; what is known of the same stays until it was asked again, which it is
 * when `state` changes. Call it while a component is made.
 */
export function more<Found>(
  key: () => string,
  ask: (key: string, signal: AbortSignal) => Promise<Found>,
  state?: () => unknown,
) {
  let found = $state.raw<Found | null>(null);
  let failure = $state.raw<Report | null>(null);
  let of: string | null = null;
  // What is shown is another object with every list that is read.
  const id = $derived(key());
  const now = $derived(state?.());

  $effect(() => {
    void now;
    const controller = new AbortController();
    if (of !== id) found = null;
    of = id;
    failure = null;
    ask(id, controller.signal).then(
      (answer) => {
        if (!controller.signal.aborted) found = answer;
      },
      (thrown: unknown) => {
        if (!controller.signal.aborted) failure = asFailure(thrown).report;
      },
    );
    return () => controller.abort();
  });

  return {
    get found() {
      return found;
    },
    get failure() {
      return failure;
    },
    /** What is known since something was changed. */
    put(answer: Found) {
      found = answer;
    },
  };
}
