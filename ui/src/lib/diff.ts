/** How two texts differ, line by line. */

export interface DiffLine {
  sign: " " | "-" | "+";
  /** Their numbers, from 1. */
  old: number | null;
  new: number | null;
  text: string;
}

/** Differences that are still looked at one by one; beyond, a stretch is one change. */
const MOST = 600;

/** The lines that differ, with `around` lines before and after; each list is a place of its own. */
export function diff(before: string, after: string, around = 3): DiffLine[][] {
  return places(lines(before.split("\n"), after.split("\n")), around);
}

function lines(old: string[], now: string[]): DiffLine[] {
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head += 1;
  let tail = 0;
  const most = Math.min(old.length, now.length) - head;
  while (tail < most && old.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
  const signs = [
    " ".repeat(head),
    script(old.slice(head, old.length - tail), now.slice(head, now.length - tail)),
    " ".repeat(tail),
  ].join("");
  let a = 0;
  let b = 0;
  return Array.from(signs as Iterable<DiffLine["sign"]>, (sign) => {
    const text = (sign === "+" ? now[b] : old[a]) ?? "";
    return {
      sign,
      old: sign === "+" ? null : ++a,
      new: sign === "-" ? null : ++b,
      text,
    };
  });
}

/** The shortest way from one to the other (Myers), as signs. */
function script(old: string[], now: string[]): string {
  const trace: Map<number, number>[] = [];
  const ends = new Map<number, number>([[1, 0]]);
  for (let cost = 0; cost <= Math.min(MOST, old.length + now.length); cost += 1) {
    trace.push(new Map(ends));
    for (let k = -cost; k <= cost; k += 2) {
      const down = k === -cost || (k !== cost && (ends.get(k - 1) ?? 0) < (ends.get(k + 1) ?? 0));
      let x = down ? (ends.get(k + 1) ?? 0) : (ends.get(k - 1) ?? 0) + 1;
      while (x < old.length && x - k < now.length && old[x] === now[x - k]) x += 1;
      ends.set(k, x);
      if (x >= old.length && x - k >= now.length) return walkBack(trace, old.length, now.length);
    }
  }
  return "-".repeat(old.length) + "+".repeat(now.length);
}

function walkBack(trace: Map<number, number>[], x: number, y: number): string {
  const signs: string[] = [];
  for (let cost = trace.length - 1; cost >= 0; cost -= 1) {
    const ends = trace[cost] ?? new Map<number, number>();
    const k = x - y;
    const down = k === -cost || (k !== cost && (ends.get(k - 1) ?? 0) < (ends.get(k + 1) ?? 0));
    const fromK = down ? k + 1 : k - 1;
    const fromX = cost === 0 ? 0 : (ends.get(fromK) ?? 0);
    const fromY = cost === 0 ? 0 : fromX - fromK;
    while (x > fromX && y > fromY) {
      signs.push(" ");
      x -= 1;
      y -= 1;
    }
    if (cost > 0) signs.push(down ? "+" : "-");
    [x, y] = [fromX, fromY];
  }
  return signs.reverse().join("");
}

function places(all: DiffLine[], around: number): DiffLine[][] {
  const ranges: { begin: number; end: number }[] = [];
  all.forEach(({ sign }, index) => {
    if (sign === " ") return;
    const last = ranges.at(-1);
    const begin = Math.max(0, index - around);
    const end = Math.min(all.length, index + around + 1);
    if (last && begin <= last.end) last.end = end;
    else ranges.push({ begin, end });
  });
  return ranges.map(({ begin, end }) => all.slice(begin, end));
}
