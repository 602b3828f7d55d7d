/** What can be done with commands by key and from the palette. */

import { tick } from "svelte";

import { run, runFile, runSelection } from "../../stores/command.svelte";
import type { Action } from "../../stores/actions.svelte";
import { go } from "../../stores/navigation.svelte";
import * as documents from "../../stores/documents.svelte";
import { MODES, MODE_NAMES, choose, chooseNext, modes } from "../../stores/modes.svelte";
import { isActive } from "../../lib/states";
import { detail, rerun, runs, stop } from "../../stores/runs.svelte";
import * as tabs from "../../stores/runs.svelte";

const shown = () => (runs.shown === null ? undefined : detail(runs.shown));
const isGoing = () => {
  const run = shown();
  return run !== undefined && isActive(run);
};

function step(by: 1 | -1): void {
  const at = runs.opened.indexOf(runs.shown ?? "");
  const next = runs.opened.at((at + by) % runs.opened.length);
  if (next !== undefined) tabs.open(next);
}

/** The field of the command bar: by its id, since it is not there on every screen. */
export const FIELD = "command";

function focus(): void {
  go("run");
  void tick().then(() => document.getElementById(FIELD)?.focus());
}

export function commandActions(): Action[] {
  const group = "Run";
  const noFile = () => documents.current() === null;
  return [
    { id: "command", title: "Write a command", group, keys: "mod+l", act: focus },
    { id: "start", title: "Run the command", group, keys: "mod+enter", always: true, act: () => void run() },
    {
      id: "run-file",
      title: "Run the file",
      group,
      keys: "mod+shift+enter",
      disabled: noFile,
      act: () => void runFile(),
    },
    {
      id: "run-selection",
      title: "Run the selection",
      group,
      keys: "alt+enter",
      disabled: () => !documents.current()?.selection,
      act: () => void runSelection(),
    },
    {
      id: "stop",
      title: "Stop the run",
      group,
      keys: "mod+.",
      disabled: () => !isGoing(),
      act: () => runs.shown && void stop(runs.shown),
    },
    {
      id: "force",
      title: "End the run at once",
      group,
      keys: "mod+shift+.",
      disabled: () => !isGoing(),
      act: () => runs.shown && void stop(runs.shown, true),
    },
    {
      id: "rerun",
      title: "Run it again",
      group,
      keys: "mod+shift+r",
      disabled: () => runs.shown === null,
      act: () => runs.shown && void rerun(runs.shown),
    },
    { id: "mode", title: "Choose the next mode", group, keys: "mod+shift+m", act: chooseNext },
    ...MODES.map((mode) => ({
      id: `mode-${mode}`,
      title: `Run in ${MODE_NAMES[mode]}`,
      group: "Run" as const,
      disabled: () => !modes.all.find((state) => state.mode === mode)?.available,
      act: () => choose(mode),
    })),
    {
      id: "tab-next",
      title: "Show the next output",
      group: "Output",
      keys: "mod+alt+arrowright",
      disabled: () => runs.opened.length < 2,
      act: () => step(1),
    },
    {
      id: "tab-before",
      title: "Show the output before",
      group: "Output",
      keys: "mod+alt+arrowleft",
      disabled: () => runs.opened.length < 2,
      act: () => step(-1),
    },
    {
      id: "tab-close",
      title: "Close the output",
      group: "Output",
      keys: "mod+shift+x",
      disabled: () => runs.shown === null,
      act: () => runs.shown && tabs.close(runs.shown),
    },
  ];
}
