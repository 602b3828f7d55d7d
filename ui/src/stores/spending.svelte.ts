/** What the cloud cost in a month that is looked at, and in all months; estimates, for which Daytona is not asked. */

import { daytona as requests } from "../ipc/api";
import { asFailure } from "../ipc/failure";
import type { CostReport, Report } from "../ipc/types";
import { onNotice } from "./connection.svelte";

let report = $state.raw<CostReport | null>(null);
let failure = $state.raw<Report | null>(null);
let month: string | undefined;
let current = $state("");
let asked = 0;

export const spending = {
  /** The sums, once they were read. */
  get report() {
    return report;
  },
  get failure() {
    return failure;
  },
  /** Whether they are those of this month, which is the one that has the limit. */
  get isThisMonth() {
    return report?.month === current;
  },
};

/** Reads the sums of the month of a day, by default of this one. */
export async function look(of?: string): Promise<void> {
  month = of;
  const mine = ++asked;
  try {
    const found = await requests.costs(of);
    if (mine !== asked) return;
    if (of === undefined) current = found.month;
    report = found;
    failure = null;
  } catch (thrown) {
    if (mine === asked) failure = asFailure(thrown).report;
  }
}

/** Reads them again as they were asked for. */
export const again = () => look(month);

/** Looks at this month, and keeps what is looked at true until the function that it returns is called. */
export function follow(): () => void {
  void look();
  return onNotice(({ type }) => {
    if (type === "hello" || type === "config" || type === "runs") void again();
  });
}
