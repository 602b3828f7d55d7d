/** What can be done with images. */

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
import { say } from "../stores/toasts.svelte";
import { copy, type Acts } from "./acts";

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

const nameless = ({ tags }: Image) => (tags.length === 0 ? "It has no name." : undefined);

/** The same for names that it may lose, one line each: they differ from image to image. */
export const tagItems = (image: Image): Item[] =>
  image.tags.length > 1
    ? image.tags.map((tag) => ({ label: `Take off the name ${tag}`, act: () => store.remove(image, [tag]) }))
    : [];

/** `usual` is the image that sandboxes start from, `ask` opens a dialog. */
export const imageActs = (usual: () => string, ask: (what: Asked) => void): Acts<Image> => [
  {
    label: "Run the next command in it",
    icon: MODE_ICONS.sandbox,
    color: MODE_COLORS.sandbox,
    act: runIn,
  },
  {
    label: "Start every sandbox from it",
    blocked: (image) => nameless(image) ?? (isNamed(image, usual()) ? "They do already." : undefined),
    act: (image) => void set("sandbox.image", nameOf(image)),
  },
  "line",
  {
    id: "verify",
    title: "Verify the image",
    label: "Verify its tools",
    short: "Verify",
    keys: "v",
    button: true,
    act: (image) => void store.verify(nameOf(image)),
  },
  {
    id: "customize",
    title: "Add packages to the image",
    label: "Add packages…",
    short: "Add packages",
    keys: "a",
    button: true,
    act: (image) => ask({ what: "customize", image }),
  },
  { label: "Build it again", act: (image) => void build(image, ask) },
  {
    id: "tag",
    title: "Give the image another name",
    label: "Give it another name…",
    keys: "t",
    act: (image) => ask({ what: "tag", image }),
  },
  { label: "Push it…", blocked: nameless, act: (image) => ask({ what: "push", image }) },
  "line",
  { label: "Copy the name", blocked: nameless, act: (image) => void copy(nameOf(image)) },
  { label: "Copy the id", act: ({ id }) => void copy(id, "The id") },
  "line",
  {
    id: "remove",
    title: "Remove the image",
    label: ({ tags }) => (tags.length > 1 ? `Remove it with its ${tags.length} names` : "Remove it"),
    keys: "delete",
    danger: true,
    act: (image) => remove(image, ask),
  },
];

/** What can be done on the screen, whichever row is picked. */
export const screenActions = (ask: (what: Asked) => void): Action[] => [
  { id: "image-pull", title: "Pull an image", group: "Images", keys: "p", act: () => ask({ what: "pull" }) },
  {
    id: "image-build",
    title: "Build an image",
    group: "Images",
    keys: "b",
    act: () => ask({ what: "build", tier: null }),
  },
  {
    id: "image-prune",
    title: "Remove images that are not needed",
    group: "Images",
    act: () => ask({ what: "prune" }),
  },
];
