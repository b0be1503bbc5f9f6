import { describe, expect, it } from 'vitest'
import { isOnTick, stepPrice, tickSize } from './ticks'

describe('ticks', () => {
  it.each([
    [1_999, 1],
    [2_000, 5],
    [4_995, 5],
    [5_000, 10],
    [20_000, 50],
    [50_000, 100],
    [199_900, 100],
    [200_000, 500],
    [500_000, 1_000],
  ])('a stock at %i moves by %i won', (price, tick) => expect(tickSize(price, 'stock')).toBe(tick))

  it('funds have their own table', () => {
    expect([tickSize(1_999, 'etf'), tickSize(35_000, 'etf'), tickSize(35_000, 'etn')]).toEqual([1, 5, 5])
  })

  it('steps over a bound with the tick of the side it goes to', () => {
    expect(stepPrice(50_000, -1, 'stock')).toBe(49_950)
    expect(stepPrice(49_950, 1, 'stock')).toBe(50_000)
    expect(stepPrice(199_900, 2, 'stock')).toBe(200_500)
  })

  it('brings a price off the table back onto it', () => {
    expect([stepPrice(71_050, 1, 'stock'), stepPrice(71_050, -1, 'stock')]).toEqual([71_100, 71_000])
    expect([isOnTick(71_050, 'stock'), isOnTick(71_000, 'stock')]).toEqual([false, true])
  })

  it('never steps below one won', () => expect(stepPrice(1, -3, 'stock')).toBe(1))
})
