/** Key combinations: `mod+shift+enter`, where `mod` is Ctrl, or Command on a Mac. */

export const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

/** Whether an event is this combination, and no other key beside. */
export function matches(event: KeyboardEvent, keys: string): boolean {
  const parts = keys.split("+");
  const wanted = parts.at(-1) ?? "";
  const has = (name: string) => parts.includes(name);
  const mod = isMac ? event.metaKey : event.ctrlKey;
  const other = isMac ? event.ctrlKey : event.metaKey;
  // `?` needs Shift on most keyboards; whoever names the character does not name the way to it.
  const shift = wanted.length === 1 && !/[a-z0-9`]/.test(wanted) ? true : event.shiftKey === has("shift");
  return mod === has("mod") && !other && event.altKey === has("alt") && shift && isKey(event, wanted);
}

function isKey(event: KeyboardEvent, wanted: string): boolean {
  // With Alt or Shift held the character changes; the key does not.
  if (/^[a-z]$/.test(wanted))
    return event.key.toLowerCase() === wanted || event.code === `Key${wanted.toUpperCase()}`;
  if (/^[0-9]$/.test(wanted)) return event.code === `Digit${wanted}`;
  if (wanted === "`") return event.code === "Backquote";
  return event.key.toLowerCase() === wanted;
}

const NAMES: Record<string, string> = {
  mod: isMac ? "⌘" : "Ctrl",
  shift: isMac ? "⇧" : "Shift",
  alt: isMac ? "⌥" : "Alt",
  enter: "↵",
  escape: "Esc",
  arrowup: "↑",
  arrowdown: "↓",
  arrowleft: "←",
  arrowright: "→",
  pageup: "PgUp",
  pagedown: "PgDn",
  delete: "Del",
};

/** The combination as it is shown, a part for each key. */
export function shownKeys(keys: string): string[] {
  return keys.split("+").map((part) => NAMES[part] ?? part.toUpperCase());
}

/** Whether keys without a modifier belong to what has the focus. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) ||
      target.closest(".xterm") !== null)
  );
}
