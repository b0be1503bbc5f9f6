/** Of two states of one thing, the later; on a tie the known one, so that a repeated event changes nothing. */
export const newer = <T extends { version: number }>(known: T | undefined, incoming: T): T =>
  known && known.version >= incoming.version ? known : incoming

/** `known` with each of `incoming` that is newer put in; the very same object where nothing was. */
export function mergeNewer<T extends { id: string; version: number }>(known: Record<string, T>, incoming: readonly T[]): Record<string, T> {
  let merged = known
  for (const item of incoming) {
    if (newer(merged[item.id], item) !== item) continue
    if (merged === known) merged = { ...known }
    merged[item.id] = item
  }
  return merged
}
