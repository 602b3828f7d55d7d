/** Paths below a workspace: names joined by slashes, the empty one is the workspace itself. */

export const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);

export const parentOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf("/")));

export const joined = (folder: string, name: string) => (folder === "" ? name : `${folder}/${name}`);

/** Whether `path` is `folder` or something in it. */
export const isWithin = (path: string, folder: string) =>
  folder === "" || path === folder || path.startsWith(`${folder}/`);

/** Every folder that `path` is in, the workspace first. */
export function foldersAbove(path: string): string[] {
  const names = path.split("/").slice(0, -1);
  return ["", ...names.map((_, index) => names.slice(0, index + 1).join("/"))];
}

/** Where `path` is after `from` became `to`. */
export function movedPath(path: string, from: string, to: string): string {
  return isWithin(path, from) ? to + path.slice(from.length) : path;
}

const natural = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** The order in which people expect names: `a2` before `a10`, and no difference between cases. */
export const compareNames = (one: string, other: string) =>
  natural.compare(one, other) || (one < other ? -1 : one > other ? 1 : 0);

/** A name for a second one of `name` that none of `taken` has: `load copy.py`, `load copy 2.py`. */
export function copyName(name: string, taken: readonly string[]): string {
  const dot = name.lastIndexOf(".");
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  for (let number = 1; ; number += 1) {
    const copy = `${stem} copy${number === 1 ? "" : ` ${number}`}${ending}`;
    if (!taken.includes(copy)) return copy;
  }
}

/** What is wrong with a name that a person typed; slashes make folders. `null` if nothing is. */
export function nameProblem(name: string): string | null {
  if (name.trim() === "") return "A name is needed.";
  if (name.startsWith("/")) return "Give a path inside the workspace.";
  const parts = name.split("/");
  if (parts.includes("..") || parts.includes(".")) return "`.` and `..` are no names.";
  if (parts.slice(0, -1).includes("")) return "There is a name missing between two slashes.";
  if (name.includes("\0")) return "A name cannot contain this character.";
  if (parts.some((part) => new TextEncoder().encode(part).length > 255)) return "The name is too long.";
  return null;
}
