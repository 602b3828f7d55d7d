/** Images: those of the engine, the tiers, and every request about them. What takes its time is a run. */

import { images as requests } from "../ipc/api";
import type { Image, NewCopy, NewImage, Tier } from "../ipc/types";
import { nameOf } from "../lib/images";
import { listed, undoable } from "./list.svelte";
import { adopt } from "./tasks.svelte";
import { attempt } from "./toasts.svelte";

let tiers = $state.raw<Tier[]>([]);
/** Names and ids that were removed here, and perhaps are taken back: not shown meanwhile. */
let hidden = $state<string[]>([]);
/** What can be freed without losing anything that has a name, in bytes. */
let freeable = $state(0);

/** An image without the names that are going. */
function remaining(image: Image): Image[] {
  if (hidden.length === 0) return [image];
  const tags = image.tags.filter((tag) => !hidden.includes(tag));
  const isGoing = hidden.includes(image.id) || (image.tags.length > 0 && tags.length === 0);
  return isGoing ? [] : [{ ...image, tags }];
}

export const images = {
  get all() {
    return list.all.flatMap(remaining);
  },
  get tiers() {
    return tiers;
  },
  /** Whether the first answer is here. */
  get loaded() {
    return list.loaded;
  },
  get failure() {
    return list.failure;
  },
  get freeable() {
    return freeable;
  },
};

/** The name of a tier says more than others that an image has. */
function withTierFirst(image: Image): Image {
  const rank = (tag: string) => Number(!tiers.some((tier) => tier.tag === tag));
  return { ...image, tags: image.tags.toSorted((one, other) => rank(one) - rank(other)) };
}

const list = listed(async () => {
  if (tiers.length === 0) tiers = await requests.tiers();
  // Newest first as they come; what has no name is nothing to start with.
  return (await requests.list())
    .map(withTierFirst)
    .toSorted((one, other) => Number(one.tags.length === 0) - Number(other.tags.length === 0));
});

/** Nothing is said of it where an engine that lists images does not know. */
async function readFreeable(): Promise<void> {
  const prunable = list.failure ? [] : await requests.prunable(false).catch(() => []);
  freeable = prunable.reduce((sum, image) => sum + image.size, 0);
}

let reading: Promise<void> | null = null;

/** Reads the list; who asks while it is read gets the same answer. */
export function read(): Promise<void> {
  reading ??= list
    .read()
    .then(readFreeable)
    .finally(() => (reading = null));
  return reading;
}

export const detail = (image: string, signal?: AbortSignal) => requests.detail(image, signal);
export const prunable = (unused: boolean, signal?: AbortSignal) => requests.prunable(unused, signal);
export const preview = (copy: NewCopy) => requests.preview(copy);

async function task(what: Promise<{ run_id: string }>): Promise<string | undefined> {
  const started = await attempt(() => what);
  if (started) adopt(started.run_id);
  return started?.run_id;
}

export const pull = (image: string) => task(requests.pull(image));
export const push = (image: string) => task(requests.push(image));
export const verify = (image: string, tier?: string) => task(requests.verify(image, tier));
export const build = (image: NewImage) => task(requests.build(image));
export const customize = (copy: NewCopy) => task(requests.customize(copy));

/** Gives an image one more name. */
export async function tag(image: string, name: string): Promise<boolean> {
  const done = await attempt(() => requests.tag(image, name).then(() => true));
  if (done) await read();
  return done ?? false;
}

/** Writes a note about an image; an empty one takes it off. */
export async function note(image: string, text: string): Promise<boolean> {
  const done = await attempt(() => requests.note(image, text).then(() => true));
  if (done) await read();
  return done ?? false;
}

/** Removes names of an image, and with the last one the image, with a way back for a while. */
export function remove(image: Image, names: readonly string[]): void {
  const going = names.length > 0 ? [...names] : [image.id];
  hidden = [...hidden, ...going];
  const isWhole = going.length >= image.tags.length;
  const what = isWhole ? `The image ${nameOf(image)}` : `The name ${going.join(", ")}`;
  undoable(
    `${what} was removed.`,
    () => (hidden = hidden.filter((name) => !going.includes(name))),
    async () => {
      for (const name of going) await attempt(() => requests.remove(name, false));
      await read();
    },
  );
}

/** Removes at once, also where stopped containers need it. */
export async function removeAnyway(names: readonly string[]): Promise<void> {
  for (const name of names) await attempt(() => requests.remove(name, true));
  await read();
}

/** Removes images that are not needed. */
export async function prune(ids: readonly string[]): Promise<boolean> {
  const removed = await attempt(() => requests.prune(ids));
  await read();
  return removed !== undefined;
}
