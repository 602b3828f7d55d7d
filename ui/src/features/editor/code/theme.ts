/** How the editor looks: by the variables of the look alone, so that both themes are one. */

import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const highlight = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword, tags.self], color: "var(--code-keyword)" },
  { tag: [tags.bool, tags.null, tags.atom], color: "var(--code-keyword)" },
  {
    tag: [tags.function(tags.definition(tags.variableName)), tags.definition(tags.className)],
    color: "var(--code-name)",
  },
  { tag: [tags.definition(tags.propertyName), tags.tagName, tags.attributeName], color: "var(--code-name)" },
  { tag: [tags.typeName, tags.namespace, tags.labelName], color: "var(--code-name)" },
  { tag: [tags.string, tags.special(tags.string), tags.character, tags.regexp], color: "var(--code-string)" },
  { tag: [tags.number, tags.escape, tags.color, tags.unit], color: "var(--code-number)" },
  { tag: [tags.meta, tags.annotation, tags.processingInstruction], color: "var(--code-number)" },
  { tag: [tags.comment, tags.docString], color: "var(--code-comment)", fontStyle: "italic" },
  { tag: tags.heading, fontWeight: "600", color: "var(--code-name)" },
  { tag: tags.strong, fontWeight: "600" },
  { tag: tags.emphasis, fontStyle: "italic" },
  { tag: tags.strikethrough, textDecoration: "line-through" },
  { tag: [tags.link, tags.url], color: "var(--code-name)", textDecoration: "underline" },
  { tag: [tags.monospace], color: "var(--code-string)" },
  { tag: tags.inserted, color: "var(--ok)" },
  { tag: tags.deleted, color: "var(--bad)" },
  { tag: tags.changed, color: "var(--warn)" },
]);

const ACTIVE = "color-mix(in srgb, var(--hover) 70%, transparent)";

const look = EditorView.theme({
  "&": { height: "100%", color: "var(--text)", backgroundColor: "transparent" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": {
    font: "var(--text-code)",
    lineHeight: "20px",
    overflow: "auto",
    fontVariantLigatures: "none",
  },
  ".cm-content": { padding: "8px 0", caretColor: "var(--accent)" },
  ".cm-line": { padding: "0 12px 0 2px" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--accent)", borderLeftWidth: "2px" },
  ".cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--accent) 24%, transparent)",
  },
  ".cm-content ::selection": { backgroundColor: "transparent" },
  ".cm-activeLine": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLine": { backgroundColor: ACTIVE },
  // Not see-through: long lines go on under it.
  ".cm-gutters": { backgroundColor: "var(--panel)", border: "none", color: "var(--gutter)" },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 2px 0 10px", minWidth: "28px" },
  ".cm-activeLineGutter": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLineGutter": { color: "var(--text)", backgroundColor: ACTIVE },
  ".cm-foldGutter": { width: "12px" },
  ".cm-foldGutter span": { opacity: "0", cursor: "pointer" },
  ".cm-gutters:hover .cm-foldGutter span, .cm-foldGutter .folded": { opacity: "1" },
  ".cm-foldPlaceholder": {
    padding: "0 6px",
    border: "1px solid var(--line-strong)",
    backgroundColor: "var(--hover)",
    color: "var(--dim)",
  },
  "&.cm-focused .cm-matchingBracket": {
    backgroundColor: "color-mix(in srgb, var(--accent) 22%, transparent)",
    outline: "1px solid color-mix(in srgb, var(--accent) 60%, transparent)",
  },
  "&.cm-focused .cm-nonmatchingBracket": { color: "var(--bad)", backgroundColor: "transparent" },
  ".cm-searchMatch": { backgroundColor: "var(--mark)", borderRadius: "2px" },
  ".cm-searchMatch, .cm-searchMatch span": { color: "var(--on-mark)" },
  ".cm-searchMatch.cm-searchMatch-selected": { backgroundColor: "var(--mark-now)" },
  ".cm-searchMatch.cm-searchMatch-selected, .cm-searchMatch-selected span": { color: "var(--on-mark-now)" },
  ".cm-selectionMatch": { backgroundColor: "color-mix(in srgb, var(--accent) 14%, transparent)" },
  ".cm-specialChar": { color: "var(--warn)" },
  ".cm-lineEnd": { color: "var(--faint)", userSelect: "none" },
  ".cm-panels": { backgroundColor: "var(--panel)", color: "var(--text)" },
  ".cm-panels.cm-panels-top": { borderBottom: "1px solid var(--line)" },
  ".cm-tooltip": {
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--radius-control)",
    backgroundColor: "var(--panel)",
    boxShadow: "var(--shadow)",
    overflow: "hidden",
  },
  ".cm-tooltip-autocomplete ul": { font: "var(--text-code)" },
  ".cm-tooltip-autocomplete ul li": { padding: "2px 10px" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--hover)", color: "var(--text)" },
});

export const theme = [look, syntaxHighlighting(highlight)];
