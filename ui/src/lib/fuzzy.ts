/** Finding a path by some of its letters. */

export interface Found {
  points: number;
  /** Where the letters stand in it. */
  at: number[];
}

/** How well `path` answers `wanted`: its letters in their order. `null` if they do not stand in it. */
export function fuzzy(path: string, wanted: string): Found | null {
  const lower = path.toLowerCase();
  const letters = wanted.toLowerCase().replace(/\s+/g, "");
  const name = path.lastIndexOf("/") + 1;
  // Letters of the name alone say more than letters of the folders.
  const inName = match(lower, letters, name);
  return inName ? points(path, inName, name) : points(path, match(lower, letters, 0), name);
}

/** Found from the end, so that `ab` in `a/xa/ab` is the last one and not spread. */
function match(lower: string, letters: string, from: number): number[] | null {
  const whole = lower.indexOf(letters, from);
  if (whole >= 0) return Array.from(letters, (_, index) => whole + index);
  const at: number[] = [];
  let end = lower.length;
  for (let index = letters.length - 1; index >= 0; index -= 1) {
    end = end === 0 ? -1 : lower.lastIndexOf(letters[index] ?? "", end - 1);
    if (end < from) return null;
    at.unshift(end);
  }
  return at;
}

function points(path: string, at: number[] | null, name: number): Found | null {
  if (at === null) return null;
  let sum = 0;
  at.forEach((place, index) => {
    sum += 1;
    if (place >= name) sum += 2;
    if (place === name) sum += 4;
    if (index > 0 && place === (at[index - 1] ?? 0) + 1) sum += 6;
    else if (/[/_\-. ]/.test(path[place - 1] ?? "/") || /[a-z][A-Z]/.test(path.slice(place - 1, place + 1)))
      sum += 3;
  });
  // Of two that answer alike, the shorter one is meant.
  return { points: sum - path.length / 200, at };
}

/** The best of `paths`, best first. */
export function rankPaths(paths: readonly string[], wanted: string, most: number) {
  return paths
    .map((path) => ({ path, found: fuzzy(path, wanted) }))
    .filter((answer): answer is { path: string; found: Found } => answer.found !== null)
    .toSorted((one, other) => other.found.points - one.found.points)
    .slice(0, most);
}
