/** How this person likes the window. Kept in this browser or window alone. */

type Theme = "system" | "light" | "dark";

const defaults = {
  theme: "system" as Theme,
  zoom: 1,
  timestamps: true,
  wrap: false,
  wrapCode: false,
  lineNumbers: false,
  showFiles: true,
  filesWidth: 212,
  /** Whether everything about the sandbox of a run is shown, and not just a line. */
  showPlace: false,
  /** Width of the output, as a part of what editor and output share. */
  outputShare: 0.48,
};

export type Preferences = typeof defaults;

const KEPT = "stigmer.preferences";

function kept(): Preferences {
  try {
    return { ...defaults, ...(JSON.parse(localStorage.getItem(KEPT) ?? "{}") as Partial<Preferences>) };
  } catch {
    return { ...defaults };
  }
}

export const preferences = $state<Preferences>(kept());

export function prefer(changed: Partial<Preferences>): void {
  Object.assign(preferences, changed);
  localStorage.setItem(KEPT, JSON.stringify(preferences));
}

const dark = matchMedia("(prefers-color-scheme: dark)");
let systemIsDark = $state(dark.matches);
dark.addEventListener("change", ({ matches }) => (systemIsDark = matches));

/** The theme that is shown. */
export function shownTheme(): "light" | "dark" {
  if (preferences.theme !== "system") return preferences.theme;
  return systemIsDark ? "dark" : "light";
}

/** Shows the other theme; what the system has anyway is left to the system again. */
export function switchTheme(): void {
  const wanted = shownTheme() === "dark" ? "light" : "dark";
  prefer({ theme: wanted === (systemIsDark ? "dark" : "light") ? "system" : wanted });
}

const ZOOMS = [0.8, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2];

/** Shows everything larger (1), smaller (-1), or as it was (0). */
export function zoom(direction: -1 | 0 | 1): void {
  const at = ZOOMS.indexOf(preferences.zoom);
  const next = direction === 0 ? 1 : ZOOMS[(at < 0 ? ZOOMS.indexOf(1) : at) + direction];
  if (next !== undefined) prefer({ zoom: next });
}
