/** How many paths are suggested. */
const SUGGESTIONS = 3

/** Changes of one character that turn one word into the other (Levenshtein). @param a, b A few hundred characters at most. */
function distance (a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** A path without `data.`, case and punctuation: how people remember it. */
const bare = (path: string) => path.replace(/^\$?\.?data\./i, '').toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '')

/** Those of the paths that were probably meant by another, best first: spelled nearly alike, or one within the other. */
export function nearestPaths (paths: readonly string[], wanted: string): string[] {
  const asked = bare(wanted)
  return paths
    .map((path) => ({ path, name: bare(path) }))
    .map(({ path, name }) => ({ path, changes: distance(asked, name), isPart: asked.length > 2 && (name.includes(asked) || asked.includes(name)) }))
    .filter(({ path, changes, isPart }) => isPart || changes <= Math.max(1, Math.floor(bare(path).length / 3)))
    .sort((a, b) => a.changes - b.changes)
    .slice(0, SUGGESTIONS).map(({ path }) => path)
}
