/** An order book as rows of a table, and bars as the chart library wants them. Pure. */

import type { Schemas } from '@/lib/client'
import { seoulDay } from '@/lib/format'

export interface BookRow {
  side: 'ask' | 'bid'
  price: number
  quantity: number
  /** Of the largest quantity shown, 0 to 1. */
  share: number
  /** Against the reference price, in percent; null where that is not known. */
  rate: number | null
}

/** Asks from the highest down, then bids: the best prices meet in the middle. */
export function rowsOf(book: Schemas['OrderBook'], referencePrice: number | null): BookRow[] {
  const most = Math.max(1, ...[...book.asks, ...book.bids].map(({ quantity }) => quantity))
  const row = (side: BookRow['side']) => (level: Schemas['BookLevel']) => ({
    side,
    price: level.price,
    quantity: level.quantity,
    share: level.quantity / most,
    rate: referencePrice ? ((level.price - referencePrice) / referencePrice) * 100 : null,
  })
  return [...book.asks.map(row('ask')).reverse(), ...book.bids.map(row('bid'))]
}

const SEOUL_SECONDS = 9 * 3_600

export interface Bar {
  time: string | number
  open: number
  high: number
  low: number
  close: number
  volume: number
}

/** Bars in Seoul's time: days by their date; minutes moved by the offset, as the library writes every time as UTC. */
export function barsOf(candles: readonly Schemas['Candle'][], interval: Schemas['CandleInterval']): Bar[] {
  return candles.map((candle) => {
    const openedAt = new Date(candle.opened_at)
    return {
      time: interval === '1m' ? openedAt.getTime() / 1_000 + SEOUL_SECONDS : seoulDay(openedAt),
      open: candle.open_price,
      high: candle.high_price,
      low: candle.low_price,
      close: candle.close_price,
      volume: candle.volume,
    }
  })
}
