/** The colours of the look, as a terminal wants them: numbers and not variables. */

import type { ITheme } from "@xterm/xterm";

const ANSI = [
  "black",
  "red",
  "green",
  "yellow",
  "blue",
  "magenta",
  "cyan",
  "white",
  "brightBlack",
  "brightRed",
  "brightGreen",
  "brightYellow",
  "brightBlue",
  "brightMagenta",
  "brightCyan",
  "brightWhite",
] as const;

/** What the variables are where `element` stands, in the theme that is shown now. */
export function themeAt(element: HTMLElement): ITheme {
  const probe = document.createElement("span");
  element.append(probe);
  const color = (variable: string) => {
    probe.style.color = `var(${variable})`;
    return getComputedStyle(probe).color;
  };
  const theme: ITheme = {
    foreground: color("--text"),
    background: color("--panel"),
    cursor: color("--accent"),
    cursorAccent: color("--panel"),
    selectionBackground: withAlpha(color("--accent"), 0.3),
    selectionInactiveBackground: withAlpha(color("--accent"), 0.2),
    scrollbarSliderBackground: withAlpha(color("--dim"), 0.3),
    scrollbarSliderHoverBackground: withAlpha(color("--dim"), 0.45),
    scrollbarSliderActiveBackground: withAlpha(color("--dim"), 0.6),
  };
  ANSI.forEach((name, index) => (theme[name] = color(`--ansi-${index}`)));
  probe.remove();
  return theme;
}

/** The colours of what a search finds. */
export function marksAt(element: HTMLElement) {
  const style = (variable: string) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${variable})`;
    element.append(probe);
    const color = hex(getComputedStyle(probe).color);
    probe.remove();
    return color;
  };
  const [mark, now] = [style("--mark"), style("--mark-now")];
  return {
    matchBackground: mark,
    matchOverviewRuler: mark,
    activeMatchBackground: now,
    activeMatchColorOverviewRuler: now,
  };
}

const numbers = (color: string) => (color.match(/[\d.]+/g) ?? []).map(Number);

const withAlpha = (color: string, alpha: number) =>
  `rgba(${numbers(color).slice(0, 3).join(", ")}, ${alpha})`;

const hex = (color: string) =>
  `#${numbers(color)
    .slice(0, 3)
    .map((part) => part.toString(16).padStart(2, "0"))
    .join("")}`;
