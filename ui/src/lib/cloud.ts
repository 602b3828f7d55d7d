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
export function snapshotCannot({ state, is_general }: Pick<Snapshot, "state" | "is_general">) {
  const own = is_general ? "Daytona provides it for everybody." : undefined;
  const why = (can: boolean) => (can ? undefined : `It is ${state.replaceAll("_", " ")}.`);
  return without({
    use: why(state === "active"),
    activate: own ?? why(state === "inactive"),
    deactivate: own ?? why(state === "active"),
    remove: own ?? why(state !== "removing"),
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

/** `30`, `2h` or `7d` as minutes, and `never` as `never`; `null` where it is none of them. */
export function parseMinutes(text: string): number | "never" | null {
  const written = text.trim().toLowerCase();
  if (written === "never") return "never";
  const [, number, unit = "m"] = /^(\d{1,7})\s*(m|min|minutes?|h|hours?|d|days?)?$/.exec(written) ?? [];
  if (number === undefined) return null;
  const minutes = Number(number) * (unit.startsWith("d") ? 1440 : unit.startsWith("h") ? 60 : 1);
  return minutes <= 2_147_483_647 ? minutes : null;
}

/** The same backwards: what a field shows. */
export function shownMinutes(minutes: number | undefined): string {
  if (minutes === undefined) return "";
  if (minutes > 0 && minutes % 1440 === 0) return `${minutes / 1440}d`;
  return minutes > 0 && minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`;
}

/** Lines of `NAME=VALUE` as what is to be set and taken off of labels; the line that is no label where there is one. */
export function labelChanges(
  text: string,
  before: Record<string, string>,
): { changes: Record<string, string | null> } | { wrong: string } {
  const now: Record<string, string> = {};
  for (const line of text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)) {
    const at = line.indexOf("=");
    const name = line.slice(0, Math.max(at, 0)).trim();
    if (name === "" || name.startsWith(OURS)) return { wrong: line };
    now[name] = line.slice(at + 1).trim();
  }
  const gone = Object.keys(before).filter((name) => !(name in now));
  const changed = Object.entries(now).filter(([name, value]) => before[name] !== value);
  return { changes: Object.fromEntries([...changed, ...gone.map((name) => [name, null] as const)]) };
}

/** Labels of Stigmer's own begin so. */
const OURS = "stigmer.";

/** Labels that a person may change. */
export const ownLabels = (labels: Record<string, string>) =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => !name.startsWith(OURS)));

/** What is wrong with a new snapshot, by field. */
export function snapshotProblems(fields: { name: string; image: string | null; dockerfile: string | null }): {
  name?: string;
  image?: string;
  dockerfile?: string;
} {
  const { name, image, dockerfile } = fields;
  const found: { name?: string; image?: string; dockerfile?: string } = {};
  if (!/^[\w.:/-]+$/.test(name)) found.name = "A name is made of letters, digits and _ . - : /";
  if (image !== null) {
    if (!/^[\w.:/-]+(@sha256:[0-9a-f]{64})?$/.test(image))
      found.image = "An image is NAME:TAG, as a registry has it.";
    else if (!/@sha256:|:[\w.-]+$/.test(image) || image.endsWith(":latest"))
      found.image = "Name a version behind a colon, other than `latest`: what that is changes.";
  }
  if (dockerfile !== null) {
    if (!/^\s*FROM\s+\S/im.test(dockerfile)) found.dockerfile = "A Dockerfile begins with FROM and an image.";
    else if (/^\s*(COPY|ADD)\s+(?!--from=)/im.test(dockerfile))
      found.dockerfile = "It is built without files of yours, so it cannot COPY or ADD any.";
  }
  return found;
}

/** What to do about how a snapshot is, in words for a window. */
export function snapshotNext({
  state,
  is_settled,
  dockerfile,
}: Pick<Snapshot, "state" | "is_settled" | "dockerfile">) {
  if (state === "removing") return "Its name is free when it is gone.";
  if (state === "error" || state === "build_failed")
    return dockerfile
      ? "Correct the Dockerfile, delete this one, and make it again."
      : "Look at the reason, delete it, and make it again.";
  if (state === "inactive") return "Activate it to use it.";
  return is_settled ? "" : "You can leave this screen meanwhile.";
}

/** When it stops by itself. */
export function idleness(autoStop: number | undefined): string {
  if (autoStop === undefined) return "";
  return autoStop === 0 ? "never by itself" : `after ${minutes(autoStop)} without a run`;
}

/** When it is archived. */
export function archiving(after: number | undefined): string {
  if (after === undefined) return "";
  return after > 0 ? `${minutes(after)} after it stopped` : "as late as Daytona allows";
}

/** When it is deleted. */
export function deletion(after: number | undefined): string {
  if (after === undefined || after < 0) return "never by itself";
  return after > 0 ? `${minutes(after)} after it stopped` : "as soon as it stops";
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
export function cloudCannot(state: string) {
  const { word, tone } = cloudState(state);
  const passes = tone === "live" ? `It is ${word} just now.` : tone === "bad" ? "It failed." : undefined;
  const why = (can: boolean, otherwise: string) => (can ? undefined : (passes ?? otherwise));
  return without({
    start: why(/^(stopped|archived|paused)$/.test(state), `It is ${word}.`),
    stop: why(state === "started", "It does not run."),
    archive: why(state === "stopped", state === "started" ? "Stop it first." : `It is ${word}.`),
    resize: why(state === "started" || state === "stopped", "Start it first."),
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
