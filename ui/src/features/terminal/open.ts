/** Opening a terminal, and going to the one that is open. */

import type { NewRun } from "../../ipc/types";
import { hasTerminal, isActive } from "../../lib/states";
import type { Action } from "../../stores/actions.svelte";
import { place } from "../../stores/command.svelte";
import { focus as focusEditor } from "../../stores/documents.svelte";
import { modes } from "../../stores/modes.svelte";
import { detail, open, runs, start } from "../../stores/runs.svelte";
import { workspace } from "../../stores/workspace.svelte";
import { preload } from "./screens";

/** The shell of the machine that it runs on, whichever that is. */
const SHELL = 'exec "${SHELL:-/bin/sh}"';
/** The best shell of an image: nobody chose one there. */
const SHELL_WITHIN = 'exec "$(command -v bash || echo /bin/sh)"';

export const isShell = (labels: readonly string[]) => labels.includes("terminal");

/** The run whose terminal takes the keys as soon as it is shown. */
let wanted: string | null = null;

/** Whether this terminal was asked for; it is told once. */
export function takeWish(id: string): boolean {
  const is = wanted === id;
  if (is) wanted = null;
  return is;
}

const field = () => document.querySelector<HTMLElement>(".screen .xterm-helper-textarea");

/** Opens one where the next run would go. */
export const openTerminal = () =>
  openIn({
    work: { kind: "line", line: modes.chosen === "local" ? SHELL : SHELL_WITHIN },
    workspace: workspace.path,
    ...place(),
  });

/** A line in a sandbox that is there: nothing is copied to it. */
export const runWithin = (
  mode: "sandbox" | "daytona",
  name: string,
  line: string,
  folder = workspace.path,
): NewRun => ({
  work: { kind: "line", line },
  workspace: folder,
  mode,
  sandbox: { within: name } as NonNullable<NewRun["sandbox"]>,
});

/** Opens one in a sandbox that is there. */
export const openShell = (mode: "sandbox" | "daytona", name: string, folder?: string) =>
  openIn(runWithin(mode, name, SHELL_WITHIN, folder));

async function openIn(run: NewRun): Promise<void> {
  const { lastSize } = await preload();
  const id = await start({ ...run, input: { terminal: { ...lastSize } }, labels: ["terminal"] });
  if (id === undefined) return;
  wanted = id;
  field()?.focus();
}

/** To the terminal that is open, from it to the file; a new one where there is none. */
function switchTerminal(): void {
  if (document.activeElement === field() && field()) {
    focusEditor();
    return;
  }
  const isLive = (id: string) => {
    const run = detail(id);
    return run !== undefined && isActive(run) && hasTerminal(run);
  };
  const id = runs.shown !== null && isLive(runs.shown) ? runs.shown : runs.opened.findLast(isLive);
  if (id === undefined) {
    void openTerminal();
    return;
  }
  wanted = id;
  open(id);
  if (takeWishNow(id)) field()?.focus();
}

/** It is on the screen already, and will not ask. */
const takeWishNow = (id: string) => runs.shown === id && field() !== null && takeWish(id);

export const terminalActions = (): Action[] => [
  { id: "terminal", title: "Open a terminal", group: "Run", keys: "mod+`", act: switchTerminal },
  {
    id: "terminal-new",
    title: "Open another terminal",
    group: "Run",
    keys: "mod+shift+`",
    act: () => void openTerminal(),
  },
];
