/** What the cloud costs: the month so far, the next run's hour, and what nobody uses any more. Estimates of the engine's, for
 * which Daytona is not asked. */

import { daytona as requests } from "../ipc/api";
import type { CloudSandbox, CostEstimate, CostReport } from "../ipc/types";
import { command } from "./command.svelte";
import { onNotice } from "./connection.svelte";
import { modes } from "./modes.svelte";
import { snapshots } from "./snapshots.svelte";
import { workspace } from "./workspace.svelte";

let month = $state.raw<CostReport | null>(null);
let estimate = $state.raw<CostEstimate | null>(null);
let unused = $state.raw<CloudSandbox[]>([]);

export const costs = {
  /** The sums of this month, once they were read. */
  get month() {
    return month;
  },
  /** What an hour of the next run would cost; `null` where it does not go into the cloud. */
  get estimate() {
    return modes.chosen === "daytona" ? estimate : null;
  },
  /** Cloud sandboxes that nobody used any more when Stigmer started. */
  get unused() {
    return unused;
  },
};

/** Begins to keep it true: once, when the pages start. */
export function follow(): () => void {
  return onNotice(({ type }) => {
    if (type === "hello") void readUnused();
    // Only a limit makes somebody want to know at once.
    if (type === "hello" || type === "config" || (type === "runs" && typeof month?.limit === "number"))
      void readMonth();
  });
}

let reading = false;
let again = false;

/** Reads the sums of this month; calls while it reads make it read once more. */
export async function readMonth(): Promise<void> {
  again = reading;
  if (reading) return;
  reading = true;
  try {
    do {
      again = false;
      month = await requests.costs();
    } while (again);
  } catch {
    // The connection says so, and it is read again when it is back.
  } finally {
    reading = false;
  }
}

async function readUnused(): Promise<void> {
  unused = await requests.unused().catch(() => []);
}

/** Forgets those that were deleted or are used again, by what a list says now. */
export function keepUnused(list: readonly CloudSandbox[]): void {
  unused = unused.filter(({ id }) => list.some((one) => one.id === id && one.is_unused));
}

let asked = 0;

/** Estimates the next run: by what its snapshot has, where that is known here, else by what earlier runs got. */
export async function readEstimate(): Promise<void> {
  const mine = ++asked;
  const snapshot = command.cloud.snapshot.trim();
  const wanted = snapshot || snapshots.usual;
  const known = snapshots.all.find(({ name, id }) => name === wanted || id === wanted);
  const shape = known ? { cpu: known.cpu, memory: known.memory, disk: known.disk } : {};
  const found = await requests.estimate({ workspace: workspace.path, snapshot, ...shape }).catch(() => null);
  if (mine === asked) estimate = found;
}
