/** What can be done with images: by key, from the palette, in the menu of one. */

import type { Item } from "../controls/Menu.svelte";
import type { Image, Tier } from "../ipc/types";
import { isNamed, nameOf } from "../lib/images";
import { MODE_COLORS, MODE_ICONS } from "../lib/modes";
import type { Action } from "../stores/actions.svelte";
import { command } from "../stores/command.svelte";
import * as store from "../stores/images.svelte";
import { choose } from "../stores/modes.svelte";
import { go } from "../stores/navigation.svelte";
import { set } from "../stores/settings.svelte";
import { buildAgain } from "../stores/tasks.svelte";
import { attempt, say } from "../stores/toasts.svelte";

/** A dialog that was asked for. */
export type Asked =
  | { what: "pull" | "prune" }
  | { what: "build"; tier: string | null }
  | { what: "file"; tier: Tier }
  | { what: "customize" | "tag" | "push" | "remove"; image: Image };

function remove(image: Image, ask: (what: Asked) => void): void {
  if (image.containers > 0) ask({ what: "remove", image });
  else store.remove(image, image.tags);
}

/** As it was built last; a tier that was not built here is asked about. */
async function build(image: Image, ask: (what: Asked) => void): Promise<void> {
  if (await buildAgain(image.tags)) return;
  const tier = store.images.tiers.find(({ tag }) => image.tags.includes(tag));
  if (tier) ask({ what: "build", tier: tier.name });
  else say(`How ${nameOf(image)} was built is not known here. Choose Build and name its folder.`);
}

/** The next command runs in this image. */
function runIn(image: Image): void {
  command.sandbox.image = nameOf(image);
  choose("sandbox");
  go("run");
  say(`The next commands run in ${nameOf(image)}.`, {
    label: "Undo",
    act: () => (command.sandbox.image = ""),
  });
}

async function copy(text: string, what: string): Promise<void> {
  await attempt(() => navigator.clipboard.writeText(text));
  say(`${what} was copied.`);
}

export function imageItems(image: Image, usual: string, ask: (what: Asked) => void): (Item | "line")[] {
  const name = nameOf(image);
  const several = image.tags.length > 1;
  return [
    {
      label: "Run the next command in it",
      icon: MODE_ICONS.sandbox,
      color: MODE_COLORS.sandbox,
      act: () => runIn(image),
    },
    {
      label: "Start every sandbox from it",
      disabled: image.tags.length === 0 || isNamed(image, usual),
      act: () => void set("sandbox.image", name),
    },
    "line",
    { label: "Verify its tools", keys: "v", act: () => void store.verify(name) },
    { label: "Add packages…", keys: "a", act: () => ask({ what: "customize", image }) },
    { label: "Build it again", act: () => void build(image, ask) },
    { label: "Give it another name…", keys: "t", act: () => ask({ what: "tag", image }) },
    { label: "Push it…", disabled: image.tags.length === 0, act: () => ask({ what: "push", image }) },
    "line",
    { label: "Copy the name", disabled: image.tags.length === 0, act: () => void copy(name, "The name") },
    { label: "Copy the id", act: () => void copy(image.id, "The id") },
    "line",
    ...(several
      ? image.tags.map((tag) => ({
          label: `Take off the name ${tag}`,
          act: () => store.remove(image, [tag]),
        }))
      : []),
    {
      label: several ? `Remove it with its ${image.tags.length} names` : "Remove it",
      keys: "delete",
      danger: true,
      act: () => remove(image, ask),
    },
  ];
}

export function imageActions(
  current: () => Image | undefined,
  ask: (what: Asked) => void,
  isOpen: () => boolean,
  close: () => void,
): Action[] {
  const group = "Images";
  const disabled = () => current() === undefined;
  const on = (act: (image: Image) => void) => () => {
    const image = current();
    if (image) act(image);
  };
  return [
    { id: "image-pull", title: "Pull an image", group, keys: "p", act: () => ask({ what: "pull" }) },
    {
      id: "image-build",
      title: "Build an image",
      group,
      keys: "b",
      act: () => ask({ what: "build", tier: null }),
    },
    {
      id: "image-prune",
      title: "Remove images that are not needed",
      group,
      act: () => ask({ what: "prune" }),
    },
    {
      id: "image-verify",
      title: "Verify the image",
      group,
      keys: "v",
      disabled,
      act: on((image) => void store.verify(nameOf(image))),
    },
    {
      id: "image-customize",
      title: "Add packages to the image",
      group,
      keys: "a",
      disabled,
      act: on((image) => ask({ what: "customize", image })),
    },
    {
      id: "image-tag",
      title: "Give the image another name",
      group,
      keys: "t",
      disabled,
      act: on((image) => ask({ what: "tag", image })),
    },
    {
      id: "image-remove",
      title: "Remove the image",
      group,
      keys: "delete",
      disabled,
      act: on((image) => remove(image, ask)),
    },
    {
      id: "image-close",
      title: "Close the detail",
      group,
      keys: "escape",
      disabled: () => !isOpen(),
      act: close,
    },
  ];
}
