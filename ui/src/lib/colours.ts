/** Colours that programs ask for, and what is readable of them. */

/** One of the 16 that a theme has (0–15), or `#rrggbb`. */
export type Colour = number | string;

export type Theme = "light" | "dark";

/** The surface that output stands on: `--panel` of styles/tokens.css. */
export const PANEL: Record<Theme, string> = { light: "#ffffff", dark: "#14171a" };

/** What is enough to be read, for text of this size. */
export const ENOUGH = 4.5;

const STEPS = [0, 95, 135, 175, 215, 255];

/** One of xterm's 256 colours. */
export function xterm(index: number): Colour | undefined {
  if (!Number.isInteger(index) || index < 0 || index > 255) return undefined;
  if (index < 16) return index;
  if (index >= 232) return hex([0, 0, 0].map(() => 8 + (index - 232) * 10));
  const at = index - 16;
  return hex([Math.floor(at / 36), Math.floor(at / 6) % 6, at % 6].map((step) => STEPS[step] ?? 0));
}

const hex = (rgb: readonly number[]) =>
  `#${rgb.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("")}`;

const channels = (colour: string) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = channels(colour).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** The contrast of two colours, 1 to 21. */
export function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

const known = new Map<string, string>();

/** The colour, moved towards white or black as little as it takes to be read on `surface`. */
export function readable(colour: string, surface: string): string {
  const key = colour + surface;
  let found = known.get(key);
  if (found === undefined) {
    // True colour has many: a picture made of text would fill it.
    if (known.size > 4096) known.clear();
    known.set(key, (found = moved(colour, surface)));
  }
  return found;
}

function moved(colour: string, surface: string): string {
  if (contrast(colour, surface) >= ENOUGH) return colour;
  const towards = contrast("#ffffff", surface) > contrast("#000000", surface) ? 255 : 0;
  const from = channels(colour);
  for (let part = 1; part < 16; part++) {
    const mixed = hex(from.map((value) => value + ((towards - value) * part) / 16));
    if (contrast(mixed, surface) >= ENOUGH) return mixed;
  }
  return towards === 255 ? "#ffffff" : "#000000";
}
