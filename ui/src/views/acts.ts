/** What can be done with a row of a list, said once: its menu, the buttons of its detail and the palette show the same. */

import type { Item } from "../controls/Menu.svelte";
import type { Picked } from "../lib/picked.svelte";
import type { Action } from "../stores/actions.svelte";
import { attempt, say } from "../stores/toasts.svelte";

export interface Act<Row> extends Pick<Item, "keys" | "danger"> {
  /** On its button; in the menu where it has a colour. */
  icon?: Item["icon"];
  color?: string;
  /** In the palette, with its id there: "Delete the snapshot". What has none is in the menu alone. */
  title?: string;
  id?: string;
  label: string | ((row: Row) => string);
  /** On a button, where that is shorter. */
  short?: string;
  /** What comes of it. */
  detail?: string | ((row: Row) => string | undefined);
  /** Why not now; nothing where it can be done. */
  blocked?: (row: Row) => string | undefined;
  /** Rows that it has nothing to do with. */
  hidden?: (row: Row) => boolean;
  /** Has a button in the detail while it can be done. */
  button?: boolean;
  act: (row: Row) => void;
}

export type Acts<Row> = readonly (Act<Row> | "line")[];

const of = <Row, Said>(row: Row, said: Said | ((row: Row) => Said)): Said =>
  typeof said === "function" ? (said as (row: Row) => Said)(row) : said;

function itemOf<Row>(act: Act<Row>, row: Row): Item {
  const why = act.blocked?.(row);
  const detail = why ?? of(row, act.detail);
  return {
    label: of(row, act.label),
    ...(detail ? { detail } : {}),
    ...(act.icon && act.color ? { icon: act.icon, color: act.color } : {}),
    ...(act.keys ? { keys: act.keys } : {}),
    danger: act.danger ?? false,
    disabled: why !== undefined,
    act: () => act.act(row),
  };
}

/** The menu of a row. */
export function itemsOf<Row>(acts: Acts<Row>, row: Row): (Item | "line")[] {
  const shown = acts.filter((act) => act === "line" || !act.hidden?.(row));
  return shown
    .filter((act, at) => act !== "line" || (at > 0 && shown[at - 1] !== "line" && at < shown.length - 1))
    .map((act) => (act === "line" ? act : itemOf(act, row)));
}

/** The buttons in its detail. */
export function buttonsOf<Row>(acts: Acts<Row>, row: Row): Item[] {
  return acts
    .filter((act) => act !== "line")
    .filter((act) => act.button && !act.hidden?.(row) && act.blocked?.(row) === undefined)
    .map((act) => ({
      ...itemOf(act, row),
      ...(act.short ? { label: act.short } : {}),
      ...(act.icon ? { icon: act.icon } : {}),
    }));
}

/** The same for the palette and the keys, on the row that is picked. */
export function actionsOf<Row>(
  acts: Acts<Row>,
  group: Action["group"],
  picked: Picked<Row>,
  id: string,
): Action[] {
  const actions = acts
    .filter((act) => act !== "line")
    .filter(({ title }) => title !== undefined)
    .map((act) => ({
      id: `${id}-${act.id}`,
      title: act.title ?? "",
      group,
      ...(act.keys ? { keys: act.keys } : {}),
      disabled: () => {
        const row = picked.current;
        return row === undefined || (act.hidden?.(row) ?? false) || act.blocked?.(row) !== undefined;
      },
      act: () => {
        const row = picked.current;
        if (row !== undefined) act.act(row);
      },
    }));
  const close: Action = {
    id: `${id}-close`,
    title: "Close the detail",
    group,
    keys: "escape",
    disabled: () => picked.opened === null,
    act: picked.close,
  };
  return [...actions, close];
}

/** Puts a text where it can be pasted. */
export async function copy(text: string, what = "The name"): Promise<void> {
  await attempt(() => navigator.clipboard.writeText(text));
  say(`${what} was copied.`);
}
