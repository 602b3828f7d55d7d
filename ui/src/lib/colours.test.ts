import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { contrast, ENOUGH, PANEL, readable, xterm } from "./colours";
import type { Theme } from "./colours";

const tokens = readFileSync(new URL("../styles/tokens.css", import.meta.url), "utf8");

function token(name: string, theme: Theme): string {
  const both = new RegExp(`--${name}: light-dark\\((#\\w{6}), (#\\w{6})\\)`).exec(tokens);
  return both?.[theme === "light" ? 1 : 2] ?? "";
}

test.each(["light", "dark"] as const)("the colours of terminals can be read in the %s theme", (theme) => {
  expect(token("panel", theme)).toBe(PANEL[theme]);
  for (let colour = 0; colour < 16; colour++) {
    const value = token(`ansi-${colour}`, theme);
    for (const surface of [PANEL[theme], token("hover", theme)])
      expect(contrast(value, surface), `${colour}: ${value} on ${surface}`).toBeGreaterThanOrEqual(ENOUGH);
  }
  for (const name of ["link", "bad", "dim"])
    expect(contrast(token(name, theme), token("hover", theme)), name).toBeGreaterThanOrEqual(ENOUGH);
  expect(contrast(token("on-mark", theme), token("mark", theme))).toBeGreaterThanOrEqual(ENOUGH);
  expect(contrast("#1b1d1f", token("mark-now", theme))).toBeGreaterThanOrEqual(ENOUGH);
});

test("every other colour is moved until it can be read, and no further", () => {
  for (let index = 16; index < 256; index++) {
    const colour = xterm(index);
    for (const surface of [PANEL.light, PANEL.dark, "#808080"]) {
      if (typeof colour !== "string") throw new Error(`${index} has no value`);
      const moved = readable(colour, surface);
      expect(contrast(moved, surface), `${colour} on ${surface}`).toBeGreaterThanOrEqual(ENOUGH);
      if (contrast(colour, surface) >= ENOUGH) expect(moved).toBe(colour);
    }
  }
});
