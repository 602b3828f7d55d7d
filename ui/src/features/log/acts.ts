/** What can be done with a log, by key, from the palette and from its menus. */

import Copy from "@lucide/svelte/icons/copy";
import CopyCheck from "@lucide/svelte/icons/copy-check";
import FileDown from "@lucide/svelte/icons/file-down";
import Hash from "@lucide/svelte/icons/hash";
import ListFilter from "@lucide/svelte/icons/list-filter";
import ListTree from "@lucide/svelte/icons/list-tree";
import TriangleAlert from "@lucide/svelte/icons/triangle-alert";

import type { Item } from "../../controls/Menu.svelte";
import type { Stream } from "../../ipc/types";
import type { Action } from "../../stores/actions.svelte";
import type { LogRows } from "../../stores/log.svelte";
import { prefer, preferences } from "../../stores/preferences.svelte";
import { save } from "../../stores/runs.svelte";
import { say } from "../../stores/toasts.svelte";
import type { Copying } from "./copying.svelte";
import { STREAMS } from "./search.svelte";
import type { Search } from "./search.svelte";
import type { Viewport } from "./viewport.svelte";

export interface Panel {
  log: LogRows;
  viewport: Viewport;
  search: Search;
  copying: Copying;
  openSearch: (filter?: boolean) => void;
  focusRows: () => void;
}

export const KEYS = {
  search: "mod+f",
  filter: "mod+shift+f",
  timestamps: "alt+t",
  wrap: "alt+shift+z",
  trouble: "f8",
};

export function logActions(panel: Panel): Action[] {
  const { log, viewport, search } = panel;
  const output = (id: string, title: string, keys: string | undefined, act: () => void): Action => ({
    id: `log-${id}`,
    title,
    group: "Output",
    act,
    ...(keys === undefined ? {} : { keys }),
  });
  return [
    output("focus", "Go to the output", "mod+j", panel.focusRows),
    output("search", "Search the output", KEYS.search, () => panel.openSearch(false)),
    output("filter", "Filter the output", KEYS.filter, () => panel.openSearch(true)),
    output("next", "Go to the next match", "f3", () => search.next()),
    output("previous", "Go to the previous match", "shift+f3", () => search.next(true)),
    output(
      "trouble",
      "Jump to the next error in the output",
      KEYS.trouble,
      () => void trouble(search, false),
    ),
    output(
      "trouble-back",
      "Jump to the previous error in the output",
      "shift+f8",
      () => void trouble(search, true),
    ),
    output("follow", "Follow the end of the output", "alt+end", () => viewport.follow()),
    output("timestamps", "Show or hide times in the output", KEYS.timestamps, toggleTimestamps),
    output("numbers", "Show or hide line numbers in the output", "alt+n", toggleNumbers),
    output("wrap", "Wrap long lines of the output or not", KEYS.wrap, toggleWrap),
    output("copy", "Copy the whole output", undefined, () => void panel.copying.copyAll()),
    output("text", "Save the output as text", undefined, () => void save(log.id, "text")),
    output("raw", "Save the output byte by byte", undefined, () => void save(log.id, "raw")),
  ];
}

const toggleTimestamps = () => prefer({ timestamps: !preferences.timestamps });
const toggleNumbers = () => prefer({ lineNumbers: !preferences.lineNumbers });
const toggleWrap = () => prefer({ wrap: !preferences.wrap });

async function trouble(search: Search, back: boolean): Promise<void> {
  if (!(await search.trouble(back))) say("Nothing in the output looks like an error.");
}

const STREAM_NAMES: Record<Stream, string> = {
  stdout: "Standard output",
  stderr: "Standard error",
  system: "Lines of Stigmer",
};

/** The menu "more". */
export function menuOf(panel: Panel): (Item | "line")[] {
  const { search } = panel;
  return [
    { label: "Filter", keys: KEYS.filter, icon: ListFilter, act: () => panel.openSearch(true) },
    "line",
    { label: "Times", keys: KEYS.timestamps, checked: preferences.timestamps, act: toggleTimestamps },
    { label: "Wrap long lines", keys: KEYS.wrap, checked: preferences.wrap, act: toggleWrap },
    { label: "Line numbers", keys: "alt+n", checked: preferences.lineNumbers, act: toggleNumbers },
    "line",
    ...STREAMS.map((stream) => ({
      label: STREAM_NAMES[stream],
      checked: search.streams.includes(stream),
      act: () =>
        search.setStreams(STREAMS.filter((one) => search.streams.includes(one) !== (one === stream))),
    })),
    "line",
    {
      label: "Next error",
      icon: TriangleAlert,
      keys: KEYS.trouble,
      act: () => void trouble(search, false),
    },
    "line",
    ...takeAway(panel),
  ];
}

/** What of the output can be had elsewhere. */
function takeAway({ log, search, copying }: Panel): (Item | "line")[] {
  return [
    {
      label: search.isFiltering ? "Copy all lines that are shown" : "Copy all",
      icon: CopyCheck,
      act: () => void copying.copyAll(),
    },
    { label: "Save as text", icon: FileDown, act: () => void save(log.id, "text") },
    {
      label: "Save byte by byte",
      detail: "With colours, as it was written",
      icon: FileDown,
      act: () => void save(log.id, "raw"),
    },
    "line",
    {
      label: "Copy the id of the run",
      icon: Hash,
      act: () => void copying.copyText(log.id, "the id"),
    },
    {
      label: "Copy the command that prints it",
      detail: `stigmer logs ${log.id.slice(0, 8)}`,
      icon: Copy,
      act: () => void copying.copyText(`stigmer logs ${log.id}`, "the command"),
    },
  ];
}

/** The menu of a line. */
export function rowMenu(panel: Panel): (Item | "line")[] {
  const { log, search, copying, viewport } = panel;
  const row = viewport.cursor === null ? undefined : log.row(viewport.cursor);
  const selected = getSelection()?.toString() ?? "";
  const items: (Item | "line")[] = [];
  if (selected !== "") {
    items.push({
      label: "Copy",
      icon: Copy,
      keys: "mod+c",
      // Through the same way as the key: rows that are not on the screen are part of it.
      act: () => void document.execCommand("copy"),
    });
  }
  if (row) {
    items.push({
      label: "Copy the line",
      icon: Copy,
      act: () => void copying.copyText(copying.textOf(row), "the line"),
    });
    if (search.isFiltering)
      items.push({
        label: "Show in the whole log",
        icon: ListTree,
        keys: "enter",
        act: () => void search.showInWhole(row.line),
      });
  }
  items.push({ label: "Choose all", icon: CopyCheck, keys: "mod+a", act: () => copying.chooseAll() });
  return items;
}
