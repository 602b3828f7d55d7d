/** What the palette offers, and in which order. */

export interface Entry {
  kind: "action" | "run" | "new";
  id: string;
  title: string;
  note?: string;
  keys?: string | undefined;
  act: () => void;
}

/** How well `title` answers `text`: every word must begin a word of it, or stand in it. Higher is better, 0 is no. */
export function score(title: string, text: string): number {
  const lower = title.toLowerCase();
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let sum = 1;
  for (const word of words) {
    const at = lower.indexOf(word);
    if (at < 0) return 0;
    if (at === 0) sum += 4;
    else if (/\W/.test(lower[at - 1] ?? "")) sum += 2;
    else sum += 1;
  }
  return sum;
}

/** The entries that answer, best first; without words all, as they are. */
export function rank(entries: readonly Entry[], text: string): Entry[] {
  return entries
    .map((entry) => ({ entry, points: score(entry.title, text) }))
    .filter(({ points }) => points > 0)
    .toSorted((one, other) => other.points - one.points)
    .map(({ entry }) => entry);
}
