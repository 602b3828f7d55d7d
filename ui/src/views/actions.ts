/** What can be done on every screen. */

import { commandActions } from "../features/command/actions";
import { transport } from "../ipc/api";
import { offer, type Action } from "../stores/actions.svelte";
import { go, navigation, show } from "../stores/navigation.svelte";
import { switchTheme, zoom } from "../stores/preferences.svelte";
import { choose } from "../stores/workspace.svelte";

/** Where it is not the browser that zooms. */
const zoomActions: Action[] = [
  { id: "larger", title: "Show everything larger", group: "Window", keys: "mod+=", act: () => zoom(1) },
  { id: "smaller", title: "Show everything smaller", group: "Window", keys: "mod+-", act: () => zoom(-1) },
  {
    id: "normal",
    title: "Show everything in its usual size",
    group: "Window",
    keys: "mod+0",
    act: () => zoom(0),
  },
];

export const frameActions = () =>
  offer(
    ...commandActions(),
    { id: "palette", title: "Search or run", group: "Window", keys: "mod+k", act: () => show("palette") },
    {
      id: "shortcuts",
      title: "Show the shortcuts",
      group: "Window",
      keys: "?",
      act: () => show("shortcuts"),
    },
    {
      id: "close",
      title: "Close the dialog",
      group: "Window",
      keys: "escape",
      always: true,
      disabled: () => navigation.overlay === null,
      act: () => show(null),
    },
    { id: "run", title: "Go to Run", group: "Go to", keys: "mod+1", act: () => go("run") },
    { id: "history", title: "Go to History", group: "Go to", keys: "mod+2", act: () => go("history") },
    { id: "images", title: "Go to Images", group: "Go to", keys: "mod+3", act: () => go("images") },
    { id: "sandboxes", title: "Go to Sandboxes", group: "Go to", keys: "mod+4", act: () => go("sandboxes") },
    { id: "snapshots", title: "Go to Snapshots", group: "Go to", keys: "mod+5", act: () => go("snapshots") },
    { id: "settings", title: "Go to Settings", group: "Go to", keys: "mod+,", act: () => go("settings") },
    { id: "welcome", title: "Show the welcome screen", group: "Go to", act: () => go("welcome") },
    { id: "costs", title: "Show what the cloud costs", group: "Go to", act: () => show("costs") },
    { id: "folder", title: "Open a folder", group: "Files", keys: "mod+o", act: () => void choose() },
    {
      id: "theme",
      title: "Switch between light and dark",
      group: "Window",
      keys: "mod+shift+l",
      act: switchTheme,
    },
    ...(transport.shell ? zoomActions : []),
  );
