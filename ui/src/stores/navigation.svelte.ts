/** Which screen is shown, and what floats above it. */

import { tick } from "svelte";

import { KEY_FIELD } from "../lib/fields";

export type Screen = "welcome" | "run" | "history" | "images" | "snapshots" | "sandboxes" | "settings";
export type Overlay = "palette" | "shortcuts" | "costs" | null;

const KEPT = "stigmer.welcomed";

let screen = $state<Screen>(localStorage.getItem(KEPT) ? "run" : "welcome");
let overlay = $state<Overlay>(null);

export const navigation = {
  get screen() {
    return screen;
  },
  get overlay() {
    return overlay;
  },
};

export function go(to: Screen): void {
  // Whoever went on once has seen the beginning.
  if (to !== "welcome") localStorage.setItem(KEPT, "yes");
  screen = to;
  overlay = null;
}

/** To the field for the key of Daytona. */
export function goToKey(): void {
  go("settings");
  void tick().then(() => document.getElementById(KEY_FIELD)?.focus());
}

export function show(what: Overlay): void {
  overlay = what;
}
