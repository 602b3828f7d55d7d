/** The question where a run in the cloud would go beyond the limit of the month. */

import { asFailure } from "../ipc/failure";
import { sentence } from "./toasts.svelte";

const CODE = "daytona-over-limit";

let asking = $state.raw<{ what: string; answer: (yes: boolean) => void } | null>(null);

export const limit = {
  /** What was refused, while somebody is asked. */
  get question() {
    return asking;
  },
};

/** Starts something; where the month's limit stands in its way, a person decides whether it starts all the same. */
export async function withinLimit<A>(start: (overLimit: boolean) => Promise<A>): Promise<A | undefined> {
  try {
    return await start(false);
  } catch (thrown) {
    const { report } = asFailure(thrown);
    if (report.code !== CODE) throw thrown;
    asking?.answer(false);
    const yes = await new Promise<boolean>((answer) => (asking = { what: sentence(report), answer }));
    asking = null;
    return yes ? await start(true) : undefined;
  }
}
