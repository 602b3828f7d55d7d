/** Numbers and times as people read them. */

const integer = new Intl.NumberFormat("en", { useGrouping: true });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const year = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

export const count = (n: number) => integer.format(n);

/** `1 line`, `2 lines`; words that take more than an `s` come with their plural. */
export const counted = (n: number, noun: string, plural = `${noun}s`) =>
  `${count(n)} ${n === 1 ? noun : plural}`;

/** A size of an image, or of what Docker keeps on a disk: decimal, as `docker images` says it: `8.2 MB`. */
export function decimalSize(bytes: number): string {
  const [value, unit] = scaled(bytes, 1000, ["B", "kB", "MB", "GB", "TB"]);
  return `${unit === "B" || value >= 100 ? Math.round(value) : value.toFixed(1)} ${unit}`;
}

/** A size of anything else (files, logs, uploads, memory): binary, as the engine writes it: `1.5 KiB`, `64 MiB`. */
export function size(bytes: number): string {
  const [value, unit] = scaled(bytes, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]);
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${unit}`;
}

function scaled(bytes: number, step: number, units: readonly string[]): [number, string] {
  let value = bytes;
  let unit = 0;
  while (value >= step && unit < units.length - 1) {
    value /= step;
    unit += 1;
  }
  return [value, units[unit] ?? ""];
}

/** How long something took: `0.3 s`, `48.2 s`, `12:31`, `1:05:00`. */
export function took(ms: number): string {
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const [hours, minutes, rest] = parts as [number, number, number];
  const two = (n: number) => String(n).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** A running clock: `00:04.6`. */
export function stopwatch(ms: number): string {
  const tenths = Math.max(0, Math.floor(ms / 100));
  const minutes = Math.floor(tenths / 600);
  const seconds = ((tenths % 600) / 10).toFixed(1).padStart(4, "0");
  return `${String(minutes).padStart(2, "0")}:${seconds}`;
}

/** The time for today, the day for earlier. */
export function when(iso: string, now = new Date()): string {
  const at = new Date(iso);
  if (at.toDateString() === now.toDateString()) return clock.format(at);
  return (at.getFullYear() === now.getFullYear() ? day : year).format(at);
}

/** How long ago: `now`, `5 min`, `3 h`, `12 days`, `4 months`, `2 years`; empty for a time that nobody wrote down. */
export function age(iso: string, now = Date.now()): string {
  if (!(Date.parse(iso) > 0)) return "";
  const minutes = Math.floor((now - Date.parse(iso)) / 60_000);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (minutes < 1) return "now";
  if (hours < 1) return `${minutes} min`;
  if (days < 1) return `${hours} h`;
  if (days < 60) return counted(days, "day");
  return days < 730 ? counted(Math.floor(days / 30), "month") : counted(Math.floor(days / 365), "year");
}

/** The same in a sentence: `5 min ago`. */
export function ago(iso: string, now = Date.now()): string {
  const long = age(iso, now);
  return long === "now" ? "just now" : long === "" ? "" : `${long} ago`;
}

/** Everything, for a tooltip. */
export const exactly = (iso: string) =>
  new Date(iso).toLocaleString(undefined, { dateStyle: "full", timeStyle: "medium" });

/** A day of the calendar, wherever one is: `Sat 28 Nov`, from `2026-11-28`. */
export const calendarDay = (date: string) =>
  new Date(`${date}T00:00`)
    .toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short" })
    .replace(",", "");

/** A month of the calendar: `November 2026`, from any of its days. */
export const calendarMonth = (date: string) =>
  new Date(`${date}T00:00`).toLocaleDateString("en-GB", { month: "long", year: "numeric" });

/** `12:04:07.112`, from microseconds since 1970. */
export function stamp(us: number): string {
  if (us === 0) return "";
  const at = new Date(us / 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":");
  return `${time}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}
