import { describe, expect, it } from 'vitest'
import type { Schemas } from '@/lib/client'
import { rowsOf } from './rows'

const item = (symbol: string, target: number | null = null, stop: number | null = null): Schemas['WatchItem'] => ({
  symbol,
  name: symbol,
  position: 0,
  note: '',
  target_price: target,
  stop_price: stop,
  added_at: null,
  holding: null,
})
const quoteOf = (symbol: string, price: number): Schemas['WatchQuote'] => ({
  symbol,
  name: symbol,
  quote: { symbol, price } as Schemas['Quote'],
  as_of: null,
  problem: null,
})

describe('rowsOf', () => {
  it('keeps the order of the items, whatever the order of the prices', () => {
    const rows = rowsOf([item('B'), item('A'), item('C')], [quoteOf('A', 1), quoteOf('B', 2)])

    expect(rows.map((row) => [row.item.symbol, row.quote?.price ?? null])).toEqual([
      ['B', 2],
      ['A', 1],
      ['C', null],
    ])
  })

  it.each([
    [99, false, true],
    [100, false, true],
    [101, false, false],
    [199, false, false],
    [200, true, false],
    [201, true, false],
  ])('at %i won tells whether a target of 200 and a stop of 100 are reached', (price, isTargetReached, isStopReached) => {
    expect(rowsOf([item('A', 200, 100)], [quoteOf('A', price)])[0]).toMatchObject({ isTargetReached, isStopReached })
  })

  it('tells nothing of an item without a price', () => {
    expect(rowsOf([item('A', 1, 1_000)], [])[0]).toMatchObject({ quote: null, problem: null, isTargetReached: false, isStopReached: false })
  })
})
