/** Words of a command line, for completion. */

/** The word that ends here, as a shell would split it, quotes aside. */
export const lastWord = (before: string) => /[^\s|&;<>()'"`$]*$/.exec(before)?.[0] ?? "";

/** The longest beginning that all have in common. */
export function common(words: readonly string[]): string {
  const [first = "", ...rest] = words;
  let length = first.length;
  for (const word of rest) {
    while (!word.startsWith(first.slice(0, length))) length -= 1;
  }
  return first.slice(0, length);
}
