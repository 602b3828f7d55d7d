/** Files that are open in the editor. */

/** Opens a file of the workspace, at a line that counts from 1. */
export async function open(path: string, line?: number): Promise<void> {
  void path;
  void line;
}

export interface Current {
  /** Relative to the workspace. */
  path: string;
  /** What is selected in it; empty if nothing is. */
  selection: string;
}

/** The document that has the editor. */
export const current = (): Current | null => null;

/** Saves everything that is not saved; `false` if something could not be. */
export const saveAll = async (): Promise<boolean> => true;
