import { describe, expect, it } from 'vitest'
import type { Schemas } from '@/lib/client'
import { barsOf, rowsOf } from './rows'

const book: Schemas['OrderBook'] = {
  symbol: '005930',
  asks: [
    { price: 71_100, quantity: 50 },
    { price: 71_200, quantity: 200 },
  ],
  bids: [{ price: 71_000, quantity: 100 }],
  total_ask_quantity: 250,
  total_bid_quantity: 100,
  expected_price: null,
  expected_quantity: null,
  broker: 'kis',
  at: '2026-11-23T01:00:00Z',
}

describe('order book', () => {
  it('lets the best prices meet in the middle', () => {
    expect(rowsOf(book, null).map(({ side, price }) => [side, price])).toEqual([
      ['ask', 71_200],
      ['ask', 71_100],
      ['bid', 71_000],
    ])
  })

  it('measures each quantity by the largest', () => expect(rowsOf(book, null).map(({ share }) => share)).toEqual([1, 0.25, 0.5]))

  it('tells the rate against the reference price, where that is known', () => {
    expect(rowsOf(book, 71_000).map(({ rate }) => rate?.toFixed(2))).toEqual(['0.28', '0.14', '0.00'])
    expect(rowsOf(book, null)[0]?.rate).toBeNull()
  })

  it('may be empty', () => expect(rowsOf({ ...book, asks: [], bids: [] }, 71_000)).toEqual([]))
})

describe('bars', () => {
  const candle: Schemas['Candle'] = {
    opened_at: '2026-11-22T15:00:00Z',
    open_price: 70_000,
    high_price: 71_500,
    low_price: 69_900,
    close_price: 71_000,
    volume: 1_000,
    turnover_amount: null,
  }

  it('of days are named by the day in Seoul', () => expect(barsOf([candle], '1d')[0]?.time).toBe('2026-11-23'))

  it('of minutes read as the time in Seoul', () => {
    const [bar] = barsOf([{ ...candle, opened_at: '2026-11-23T00:01:00Z' }], '1m')
    expect(new Date(Number(bar?.time) * 1_000).toISOString()).toBe('2026-11-23T09:01:00.000Z')
  })
})
