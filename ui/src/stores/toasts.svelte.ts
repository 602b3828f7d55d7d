/** Short messages at the edge of the window: what happened, and often the way back. */

import type { Report } from "../ipc/types";
import { asFailure } from "../ipc/failure";

export interface Toast {
  id: number;
  text: string;
  tone: "plain" | "bad";
  hint?: string | undefined;
  code?: string | undefined;
  action?: { label: string; act: () => void } | undefined;
}

/** How long a message stays that nobody touches; errors stay until they are closed. */
const SHOWN = 8_000;

let list = $state<Toast[]>([]);
let next = 0;

export const toasts = {
  get all() {
    return list;
  },
};

export function close(id: number): void {
  list = list.filter((toast) => toast.id !== id);
}

/** Says something; `action` is the way back. */
export function say(text: string, action?: Toast["action"]): number {
  const id = next++;
  list = [...list, { id, text, tone: "plain", action }];
  setTimeout(() => close(id), SHOWN);
  return id;
}

/** Says what failed: what, why, what next. */
export function complain(thrown: unknown): void {
  const { report } = asFailure(thrown);
  if (report.code === "aborted") return;
  list = [...list.filter((toast) => toast.text !== sentence(report)), toToast(report)];
}

function toToast(report: Report): Toast {
  const cause = report.causes?.length ? ` (${report.causes.join(": ")})` : "";
  return {
    id: next++,
    text: sentence(report) + cause,
    tone: "bad",
    hint: report.hint ?? undefined,
    code: report.code,
  };
}

/** Messages of the engine are fragments; on a screen they stand alone. */
export function sentence(report: Report): string {
  return report.message.charAt(0).toUpperCase() + report.message.slice(1);
}

/** Carries out what a person asked for, and says so if it fails. */
export async function attempt<A>(what: () => Promise<A>): Promise<A | undefined> {
  try {
    return await what();
  } catch (thrown) {
    complain(thrown);
    return undefined;
  }
}
