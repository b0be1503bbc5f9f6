import { describe, expect, it } from 'vitest'
import { addressOf, EVERYTHING, queryOf, screenOf } from './screen'

describe('a screen in the address', () => {
  it('comes back as it was', () => {
    const screen = { ...EVERYTHING, market: 'KOSDAQ' as const, query: '전자', theme: 0, sort: 'per' as const, descending: false, bounds: { per_min: 0, per_max: 12.5, change_pct_min: -3 } }
    expect(screenOf(addressOf(screen))).toEqual(screen)
  })
  it('is empty where nothing is filtered', () => {
    expect(addressOf(EVERYTHING)).toEqual({})
    expect(screenOf({})).toEqual(EVERYTHING)
  })
  it('leaves out what is no filter', () => {
    expect(screenOf({ market: 'NYSE', sort: 'colour', per_min: 'x', per_max: '', pbr_min: ['1'], theme: '1.5', colour_min: '3' })).toEqual(EVERYTHING)
  })
  it('asks in won what is typed in hundreds of millions', () => {
    expect(queryOf({ ...EVERYTHING, bounds: { market_cap_min: 1000, price_max: 50_000 } })).toEqual({ sort: 'market_cap', descending: true, market_cap_min: 100_000_000_000, price_max: 50_000 })
  })
})
