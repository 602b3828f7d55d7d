/** Where the next run goes. */

import { modes as ask } from "../ipc/api";
import type { Mode, ModeState } from "../ipc/types";
import { workspace } from "./workspace.svelte";

export const MODES: readonly Mode[] = ["local", "sandbox", "daytona", "auto"];

export const MODE_NAMES: Record<Mode, string> = {
  local: "Local",
  sandbox: "Sandbox",
  daytona: "Daytona",
  auto: "Auto",
};

let states = $state<ModeState[]>([]);
let chosen = $state<Mode>("local");

export const modes = {
  get all() {
    return states;
  },
  /** The mode of the next run. */
  get chosen() {
    return chosen;
  },
};

/** How a mode stands, as far as that is known. */
export const stateOf = (mode: Mode) => states.find((state) => state.mode === mode);

export async function refresh(): Promise<void> {
  states = await ask(workspace.path);
}

export function choose(mode: Mode): void {
  chosen = mode;
}

/** Goes on to the next mode that works here. */
export function chooseNext(): void {
  const usable = MODES.filter((mode) => states.find((state) => state.mode === mode)?.available);
  chosen = usable[(usable.indexOf(chosen) + 1) % usable.length] ?? chosen;
}
