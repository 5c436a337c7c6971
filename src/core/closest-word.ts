// What somebody who mistyped a word may have meant.

/** The most similar of the known words, if no more than a third of it is wrong. */
export function closestWord(word: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((each) => ({ each, distance: editDistance(word.toLowerCase(), each.toLowerCase()) }))
    .filter(({ each, distance }) => distance <= Math.max(1, Math.floor(each.length / 3)))
    .sort((one, other) => one.distance - other.distance);
  return best?.each;
}

/** How many letters are added, left out or replaced, or swapped with their neighbour. */
function editDistance(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, i) => i)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 0; i < from.length; i++) {
    const row = [i + 1];
    rows.push(row);
    for (let j = 0; j < to.length; j++) {
      const replaced = at(i, j) + (from[i] === to[j] ? 0 : 1);
      const isSwapped = i > 0 && j > 0 && from[i] === to[j - 1] && from[i - 1] === to[j];
      const swapped = isSwapped ? at(i - 1, j - 1) + 1 : replaced;
      row.push(Math.min(replaced, swapped, at(i, j + 1) + 1, at(i + 1, j) + 1));
    }
  }
  return at(from.length, to.length);
}
