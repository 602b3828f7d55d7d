/** Cloud sandboxes in words, and what a person asks of one. */

import type { CloudFacts, SandboxForm, Snapshot } from "../ipc/types";
import { counted } from "./format";

/** `1 CPU, 2 GiB of memory, 3 GiB of disk`; empty where that is not known yet. */
export function resources({ cpu, memory, disk }: Pick<CloudFacts, "cpu" | "memory" | "disk">): string {
  return [
    cpu > 0 ? counted(cpu, "CPU") : "",
    memory > 0 ? `${memory} GiB of memory` : "",
    disk > 0 ? `${disk} GiB of disk` : "",
  ]
    .filter(Boolean)
    .join(", ");
}

/** Minutes as people say them: `15 minutes`, `2 hours`, `7 days`. */
export function minutes(number: number): string {
  if (number > 0 && number % 1440 === 0) return counted(number / 1440, "day");
  return number > 0 && number % 60 === 0 ? counted(number / 60, "hour") : counted(number, "minute");
}

/** What of a snapshot can be done: those that Daytona provides are not ours to change. */
export function snapshotCan({
  state,
  is_general,
  is_settled,
}: Pick<Snapshot, "state" | "is_general" | "is_settled">) {
  return {
    use: state === "active",
    activate: state === "inactive" && !is_general,
    deactivate: state === "active" && !is_general,
    remove: is_settled && !is_general,
  };
}

/** When it stops by itself. */
export function idleness(autoStop: number | undefined): string {
  if (autoStop === undefined) return "";
  return autoStop === 0 ? "never by itself" : `after ${minutes(autoStop)} without a run`;
}

/** What a sandbox is made from where no snapshot was chosen. */
export const snapshotName = (snapshot: string | undefined) => snapshot || "Daytona's own snapshot";

/** States of Daytona's that pass by themselves. */
const PASSING =
  /^(creating|restoring|starting|stopping|archiving|destroying|resizing|pending|pulling|building)/;

/** How a state is shown: a word, and a tone beside it. One that is not known is shown as it is. */
export function cloudState(state: string): { word: string; tone: "live" | "on" | "off" | "bad" } {
  const word = state.replaceAll("_", " ");
  if (state === "started") return { word: "running", tone: "on" };
  if (state === "error" || state === "build_failed") return { word, tone: "bad" };
  return { word, tone: PASSING.test(state) ? "live" : "off" };
}

/** What can be done with a sandbox in a state. */
export function possible(state: string): { start: boolean; stop: boolean; archive: boolean } {
  return {
    start: state === "stopped" || state === "archived" || state === "error",
    stop: state === "started",
    archive: state === "stopped",
  };
}

/** The same for a row: `1 CPU · 2 GiB · 3 GiB`. */
export const resourcesShort = ({ cpu, memory, disk }: Pick<CloudFacts, "cpu" | "memory" | "disk">) =>
  `${cpu} CPU · ${memory} GiB · ${disk} GiB`;

/** What is asked beside the command; an empty field is a matter of the settings. */
export interface CloudFields {
  snapshot: string;
  bringBack: boolean;
  /** One of its own, thrown away afterwards. */
  fresh: boolean;
}

export const noCloudFields = (): CloudFields => ({ snapshot: "", bringBack: false, fresh: false });

/** What the request says; only what was filled in. */
export function cloudFormOf(fields: CloudFields): SandboxForm {
  const form: SandboxForm = {};
  if (fields.snapshot.trim() !== "") form.snapshot = fields.snapshot.trim();
  if (fields.bringBack) form.bring_back = true;
  if (fields.fresh) form.fresh = true;
  return form;
}

/** Whether anything differs from the settings. */
export const isCloudFilled = (fields: CloudFields) => Object.keys(cloudFormOf(fields)).length > 0;
