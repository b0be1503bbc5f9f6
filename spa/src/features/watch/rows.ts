import type { Schemas } from '@/lib/client'

export interface WatchRow {
  item: Schemas['WatchItem']
  quote: Schemas['Quote'] | null
  problem: Schemas['WatchProblem'] | null
  isTargetReached: boolean
  isStopReached: boolean
}

/** Items with their prices, in the list's order; an item that is newer than the prices has none yet. */
export function rowsOf(items: readonly Schemas['WatchItem'][], quotes: readonly Schemas['WatchQuote'][]): WatchRow[] {
  const bySymbol = new Map(quotes.map((quote) => [quote.symbol, quote]))
  return items.map((item) => {
    const { quote = null, problem = null } = bySymbol.get(item.symbol) ?? {}
    const price = quote?.price ?? item.holding?.current_price ?? null
    return {
      item,
      quote,
      problem,
      isTargetReached: price !== null && item.target_price !== null && price >= item.target_price,
      isStopReached: price !== null && item.stop_price !== null && price <= item.stop_price,
    }
  })
}
