/** What every document of the editor can do. */

import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import {
  bracketMatching,
  codeFolding,
  foldGutter,
  foldKeymap,
  indentOnInput,
  indentUnit,
} from "@codemirror/language";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState } from "@codemirror/state";
import type { Extension } from "@codemirror/state";
import {
  EditorView,
  crosshairCursor,
  drawSelection,
  dropCursor,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  rectangularSelection,
} from "@codemirror/view";

import { indentOf } from "../../../lib/content";
import { searchPanel } from "./search";
import { theme } from "./theme";

/** Parts that change while a document is open. */
export const language = new Compartment();
export const wrapping = new Compartment();
export const writing = new Compartment();

/** Keys of the window: they run commands, go to a line, and open files. */
const TAKEN = new Set(["Mod-Enter", "Mod-Alt-g", "Mod-g", "Shift-Mod-g", "Mod-i", "Mod-Alt-\\"]);

const keys = [
  ...closeBracketsKeymap,
  ...defaultKeymap,
  ...searchKeymap,
  ...historyKeymap,
  ...foldKeymap,
  ...completionKeymap,
  indentWithTab,
].filter(({ key }) => key === undefined || !TAKEN.has(key));

const appearance: Extension = [
  lineNumbers(),
  foldGutter({ markerDOM: marker }),
  codeFolding(),
  highlightActiveLineGutter(),
  highlightActiveLine(),
  highlightSpecialChars({ render: special }),
  drawSelection(),
  dropCursor(),
  bracketMatching(),
  highlightSelectionMatches(),
  theme,
];

const behaviour: Extension = [
  history(),
  indentOnInput(),
  closeBrackets(),
  // It waits to be asked: what appears by itself is in the way.
  autocompletion({ activateOnTyping: false, icons: false }),
  EditorState.allowMultipleSelections.of(true),
  rectangularSelection(),
  crosshairCursor(),
  search({ top: true, createPanel: searchPanel }),
  keymap.of(keys),
];

/** The state that a document begins with. */
export function begin(
  text: string,
  parts: { label: string; wrap: boolean; readOnly: boolean },
  more: Extension,
): EditorState {
  return EditorState.create({
    doc: text,
    extensions: [
      appearance,
      behaviour,
      // Only these are ends of lines here; whatever else the file has stays a character of it.
      EditorState.lineSeparator.of("\n"),
      EditorView.clipboardInputFilter.of((pasted) => pasted.replace(/\r\n?/g, "\n")),
      indentUnit.of(indentOf(text)),
      EditorState.tabSize.of(4),
      more,
      language.of([]),
      wrapping.of(wrap(parts.wrap)),
      writing.of(readOnly(parts.readOnly)),
      EditorView.contentAttributes.of({ "aria-label": parts.label, spellcheck: "false", tabindex: "0" }),
    ],
  });
}

export const wrap = (wanted: boolean): Extension => (wanted ? EditorView.lineWrapping : []);
export const readOnly = (wanted: boolean): Extension => (wanted ? EditorState.readOnly.of(true) : []);

function marker(open: boolean): HTMLElement {
  const element = document.createElement("span");
  element.className = open ? "" : "folded";
  element.textContent = open ? "⌄" : "›";
  element.title = open ? "Fold" : "Unfold";
  return element;
}

/** Line ends of another kind are part of the text where they are mixed: visible, and no alarm. */
function special(code: number, description: string | null, placeholder: string): HTMLElement {
  const element = document.createElement("span");
  element.className = code === 13 ? "cm-lineEnd" : "cm-specialChar";
  element.textContent = code === 13 ? "␍" : placeholder;
  element.title = code === 13 ? "Carriage return" : (description ?? "");
  element.setAttribute("aria-label", element.title);
  return element;
}
