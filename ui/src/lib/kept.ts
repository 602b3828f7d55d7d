/** Small things that are remembered for each workspace, in this browser or window. */

/** Workspaces that are remembered; the one that was not open for longest is forgotten first. */
const MOST = 8;

export function keptFor<A>(name: string) {
  const all = (): Record<string, A> => {
    try {
      return JSON.parse(localStorage.getItem(name) ?? "{}") as Record<string, A>;
    } catch {
      return {};
    }
  };
  return {
    get: (workspace: string): A | undefined => all()[workspace],
    set: (workspace: string, value: A) => {
      const others = Object.entries(all()).filter(([other]) => other !== workspace);
      const newest = [...others.slice(1 - MOST), [workspace, value] as const];
      localStorage.setItem(name, JSON.stringify(Object.fromEntries(newest)));
    },
  };
}
