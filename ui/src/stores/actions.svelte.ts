/** Everything that can be done by key or from the palette. Whoever can do something adds it while it can. */

import { isTyping, matches } from "../lib/keys";

export interface Action {
  /** Stable, unique. */
  id: string;
  /** A verb first: "Stop the run". */
  title: string;
  /** The heading under which the list of shortcuts has it. */
  group: "Run" | "Output" | "Files" | "Editor" | "Images" | "Snapshots" | "Sandboxes" | "Go to" | "Window";
  keys?: string;
  /** Works although a field has the focus and the keys have no modifier. */
  always?: boolean;
  /** Not offered at the moment. */
  disabled?: () => boolean;
  act: () => void;
}

let all = $state.raw<Action[]>([]);

export const actions = {
  get all() {
    return all;
  },
};

/** Offers actions until the function that it returns is called. A later one with the same id or keys wins. */
export function offer(...offered: Action[]): () => void {
  all = [...all, ...offered];
  return () => {
    all = all.filter((action) => !offered.includes(action));
  };
}

/** Whether a dialog has the keys. */
const isModal = () => document.querySelector("dialog[open]") !== null;

/** Carries out the action that has these keys. */
export function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented) return;
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  const action = all.findLast(
    (action) =>
      action.keys !== undefined &&
      matches(event, action.keys) &&
      !action.disabled?.() &&
      !(plain && !action.always && !/^f\d/.test(action.keys) && (isTyping(event.target) || isModal())),
  );
  if (!action) return;
  event.preventDefault();
  action.act();
}
