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

/** The same of a snapshot: those that Daytona provides are not ours to change. */
export function snapshotCannot({
  state,
  is_general,
  is_settled,
}: Pick<Snapshot, "state" | "is_general" | "is_settled">) {
  const own = is_general ? "Daytona provides it for everybody." : undefined;
  const why = (can: boolean) => (can ? undefined : `It is ${state.replaceAll("_", " ")}.`);
  return without({
    use: why(state === "active"),
    activate: own ?? why(state === "inactive"),
    deactivate: own ?? why(state === "active"),
    remove: own ?? why(is_settled),
  });
}

/** The same for its mark. */
export function snapshotTone({
  state,
  is_broken,
  is_settled,
}: Pick<Snapshot, "state" | "is_broken" | "is_settled">): Tone {
  if (is_broken) return "bad";
  if (!is_settled) return "live";
  return state === "active" ? "on" : "off";
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

type Tone = "live" | "on" | "off" | "bad";

/** How a state is shown: a word, and a tone beside it. One that is not known is shown as it is. */
export function cloudState(state: string): { word: string; tone: Tone } {
  const word = state.replaceAll("_", " ");
  if (state === "started") return { word: "running", tone: "on" };
  if (state === "error" || state === "build_failed") return { word, tone: "bad" };
  return { word, tone: PASSING.test(state) ? "live" : "off" };
}

/** Why something cannot be done with a sandbox as it is; what can be done has no word here. */
export function cloudCannot(state: string): { start?: string; stop?: string; archive?: string } {
  const { word, tone } = cloudState(state);
  const passes = tone === "live" ? `It is ${word} just now.` : undefined;
  const why = (can: boolean, otherwise: string) => (can ? undefined : (passes ?? otherwise));
  return without({
    start: why(/^(stopped|archived|paused|error)$/.test(state), `It is ${word}.`),
    stop: why(state === "started", "It does not run."),
    archive: why(state === "stopped", state === "started" ? "Stop it first." : `It is ${word}.`),
  });
}

/** What is said, without what is not. */
function without<Of extends Record<string, string | undefined>>(all: Of) {
  const said = Object.entries(all).filter(([, why]) => why !== undefined);
  return Object.fromEntries(said) as { [Name in keyof Of]?: string };
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
