/** Names, tiers and tools of images, as lists and details show them. */

import type { Image, Tier, Tool, Verified } from "../ipc/types";

/** `NAME:TAG` in two; a registry may have a port. */
export function splitName(reference: string): { name: string; tag: string } {
  const digest = reference.indexOf("@");
  const whole = digest < 0 ? reference : reference.slice(0, digest);
  const colon = whole.lastIndexOf(":");
  if (colon <= whole.lastIndexOf("/")) return { name: whole, tag: "" };
  return { name: whole.slice(0, colon), tag: whole.slice(colon + 1) };
}

/** The beginning of a digest, as engines shorten it. */
export const shortId = (id: string) => id.replace(/^sha256:/, "").slice(0, 12);

/** The name that an image is shown by: its first one, else its id. */
export const nameOf = (image: Pick<Image, "id" | "tags">) => image.tags[0] ?? shortId(image.id);

/** The names of an image, those that differ only in the tag together. */
export function namesOf(image: Pick<Image, "tags">): { name: string; tags: string[] }[] {
  const found = new Map<string, string[]>();
  for (const reference of image.tags) {
    const { name, tag } = splitName(reference);
    found.set(name, [...(found.get(name) ?? []), tag]);
  }
  return [...found].map(([name, tags]) => ({ name, tags }));
}

/** The tier of an image: what it says, else the tier whose name it has; empty for those of others. */
export const tierOf = (image: Image, tiers: readonly Tier[]) =>
  image.tier ?? tiers.find(({ tag }) => image.tags.includes(tag))?.name ?? "";

/** Whether an image goes by this name, with or without a tag. */
export function isNamed(image: Pick<Image, "tags" | "digests">, reference: string): boolean {
  const { tag } = splitName(reference);
  const full = tag === "" && !reference.includes("@") ? `${reference}:latest` : reference;
  return image.tags.includes(full) || image.digests.includes(full);
}

/** Tiers that no image here belongs to. */
export const missingTiers = (tiers: readonly Tier[], images: readonly Image[]) =>
  tiers.filter(({ name }) => !images.some((image) => tierOf(image, tiers) === name));

export interface Verdict {
  tone: "ok" | "warn" | "none";
  word: string;
  detail: string;
}

export const missing = (tools: readonly Tool[]) => tools.filter(({ version }) => version === null);

/** What came of asking for the tools, in a word and a sentence. */
export function verdict(verified: Verified | null | undefined): Verdict {
  if (!verified) return { tone: "none", word: "not verified", detail: "Its tools were not asked for yet." };
  const { tools } = verified;
  const lost = missing(tools).map(({ name }) => name);
  return {
    tone: lost.length > 0 ? "warn" : "ok",
    word: `${tools.length - lost.length} of ${tools.length}`,
    detail: lost.length > 0 ? `Missing: ${lost.join(", ")}.` : "Every tool of its tier answers.",
  };
}

export interface ComparedTool {
  name: string;
  here: string | null;
  there: string | null;
  differs: boolean;
}

/** The tools of two images beside each other, in the order of the first one. */
export function compareTools(here: readonly Tool[], there: readonly Tool[]): ComparedTool[] {
  const version = (tools: readonly Tool[], name: string) =>
    tools.find((tool) => tool.name === name)?.version ?? null;
  const names = new Set([...here, ...there].map(({ name }) => name));
  return [...names].map((name) => {
    const [one, other] = [version(here, name), version(there, name)];
    return { name, here: one, there: other, differs: one !== other };
  });
}

/** What made a layer, without the shell that carried it out. */
export function madeBy(by: string): string {
  const line = by
    .replace(/^\/bin\/sh -c #\(nop\)\s+/, "")
    .replace(/^(\|\d+ .*?)?\/bin\/sh -c /, "RUN ")
    .replace(/^RUN \/bin\/sh -c /, "RUN ")
    .replace(/ # buildkit$/, "")
    .replace(/\s+/g, " ")
    .trim();
  return line === "" ? "what it begins with" : line;
}

/** Words with spaces, commas or lines between them. */
export const listOf = (text: string) => text.split(/[\s,]+/).filter(Boolean);

/** Lines of `NAME=value` as arguments of a build. */
export function argsOf(text: string): Record<string, string> {
  const pairs = text
    .split("\n")
    .map((line) => /^\s*(\w+)=(.*)$/.exec(line))
    .filter((found) => found !== null)
    .map(([, name, value]) => [name, value] as const);
  return Object.fromEntries(pairs) as Record<string, string>;
}

/** A name that an engine takes: small letters, with a tag or without. */
export const isName = (reference: string) =>
  /^[a-z0-9]+([._/:-]+[A-Za-z0-9]+)*(@sha256:[0-9a-f]{64})?$/.test(reference) && reference.length < 256;

/** The name after this one: `tools:v7` is followed by `tools:v8`; of what others made there is no next version. */
export function nextName(reference: string): string {
  const { name, tag } = splitName(reference);
  const last = name.split("/").at(-1) ?? name;
  const [, number] = /^v(\d+)$/.exec(tag) ?? [];
  return number === undefined ? `my-${last.replace(/^stigmer-/, "")}:v1` : `${name}:v${Number(number) + 1}`;
}
