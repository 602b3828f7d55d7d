/** The search of the editor, with fields like all others. */

import type { EditorView, Panel } from "@codemirror/view";
import { mount, unmount } from "svelte";

import SearchPanel from "./SearchPanel.svelte";
import { Searching } from "./searching.svelte";

export function searchPanel(view: EditorView): Panel {
  const dom = document.createElement("div");
  const searching = new Searching(view);
  const panel = mount(SearchPanel, { target: dom, props: { searching } });
  return {
    dom,
    top: true,
    mount: () => dom.querySelector<HTMLInputElement>("[main-field]")?.select(),
    update: (update) => searching.update(update),
    destroy: () => void unmount(panel),
  };
}
