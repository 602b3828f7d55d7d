/** What can be done with open files by key, from the palette and from a tab. */

import type { Item } from "../../controls/Menu.svelte";
import { transport } from "../../ipc/api";
import { joined } from "../../lib/paths";
import type { Action } from "../../stores/actions.svelte";
import * as documents from "../../stores/documents.svelte";
import type { OpenDocument } from "../../stores/documents.svelte";
import { prefer, preferences } from "../../stores/preferences.svelte";
import { attempt, say } from "../../stores/toasts.svelte";
import { workspace } from "../../stores/workspace.svelte";
import type { CodeEditor, CommandName } from "./code";

const open = documents.documents;

/** A browser keeps Ctrl+W for its own tabs. */
const CLOSE = transport.shell ? "mod+w" : "alt+w";

async function save() {
  const { active } = open;
  if (active && (await active.save()) && active.readOnly)
    say("This file is shown only, and was not written.");
}

export function documentActions(editor: () => CodeEditor | null, goToLine: () => void): Action[] {
  const group = "Editor";
  const none = () => open.active === null;
  const noText = () => open.active?.phase !== "text" || editor() === null;
  const command = (id: CommandName, title: string, keys?: string): Action => ({
    id,
    title,
    group,
    ...(keys ? { keys } : {}),
    disabled: noText,
    act: () => editor()?.do(id),
  });
  return [
    { id: "save", title: "Save the file", group, keys: "mod+s", disabled: noText, act: () => void save() },
    {
      id: "save-all",
      title: "Save all files",
      group,
      keys: "mod+alt+s",
      act: () => void documents.saveAll(),
    },
    {
      id: "file-close",
      title: "Close the file",
      group,
      keys: CLOSE,
      disabled: none,
      act: () => open.active && documents.close(open.active),
    },
    step("file-next", "Show the next file", "mod+pagedown", 1),
    step("file-before", "Show the file before", "mod+pageup", -1),
    {
      id: "editor",
      title: "Go to the editor",
      group,
      keys: "mod+shift+d",
      disabled: none,
      act: documents.focus,
    },
    command("find", "Search in the file", "mod+f"),
    { id: "line", title: "Go to a line", group, keys: "mod+g", disabled: noText, act: goToLine },
    command("comment", "Make a comment, or code again", "mod+/"),
    {
      id: "wrap-code",
      title: "Wrap long lines, or not",
      group,
      keys: "alt+z",
      disabled: noText,
      act: () => prefer({ wrapCode: !preferences.wrapCode }),
    },
    command("undo", "Undo"),
    command("redo", "Redo"),
    command("cursor-above", "Add a cursor above", "mod+alt+arrowup"),
    command("cursor-below", "Add a cursor below", "mod+alt+arrowdown"),
    command("tab-leaves", "Let Tab leave the editor, or indent"),
  ];
}

function step(id: string, title: string, keys: string, by: number): Action {
  return {
    id,
    title,
    group: "Editor",
    keys,
    disabled: () => open.all.length < 2,
    act: () => documents.step(by),
  };
}

export function tabItems(document: OpenDocument): (Item | "line")[] {
  const others = open.all.filter((other) => other !== document);
  const { shell } = transport;
  const path = joined(workspace.path, document.path);
  return [
    { label: "Save", disabled: !document.dirty, act: () => void document.save() },
    { label: "Close", act: () => documents.close(document) },
    {
      label: "Close the others",
      disabled: others.length === 0,
      act: () => others.filter((other) => !other.dirty).forEach((other) => documents.close(other)),
    },
    "line",
    { label: "Copy the path", act: () => void attempt(() => navigator.clipboard.writeText(path)) },
    ...(shell
      ? [{ label: "Show in the file manager", act: () => void attempt(() => shell.reveal(path)) }]
      : []),
  ];
}
