/** The name among `names` that a misspelt one most likely means: one that is at most a third of its letters, or one, away. */
export function nearest(misspelt: string, names: readonly string[]): string | undefined {
  const text = misspelt.toLowerCase().replaceAll('-', '_').slice(0, LENGTH_MAX);
  let best: { name: string; distance: number } | undefined;
  for (const name of names) {
    const distance = editDistance(text, name);
    const most = Math.min(3, Math.max(1, Math.floor(name.length / 3)));
    if (distance <= most && (best === undefined || distance < best.distance)) best = { name, distance };
  }
  return best?.name;
}

/** Longer than any name, and short enough to compare. */
const LENGTH_MAX = 40;

/** How many letters have to be put in, taken out, changed, or swapped with their neighbour. */
function editDistance(a: string, b: string): number {
  let twoBefore: number[] = [];
  let before = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = before[j - 1]! + Number(a[i - 1] !== b[j - 1]);
      row[j] = Math.min(before[j]! + 1, row[j - 1]! + 1, change);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) row[j] = Math.min(row[j]!, twoBefore[j - 2]! + 1);
    }
    [twoBefore, before] = [before, row];
  }
  return before[b.length]!;
}
