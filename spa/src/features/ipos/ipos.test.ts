import { describe, expect, it } from 'vitest'
import type { Schemas } from '@/lib/client'
import { correctionsOf, figuresOf, rangeOf, spanOf } from './ipos'
import { calendarOf, daysOf, monthAfter } from './month'

const event = (start: string, end: string): Schemas['IpoEvent'] => ({ site_no: 1, name: '한빛', is_spac: false, kind: 'subscription', start, end })
const calendar = (events: Schemas['IpoEvent'][], closed: Schemas['ClosedDay'][] = []): Schemas['IpoCalendar'] => ({
  first_day: '2026-05-01',
  last_day: '2026-05-31',
  events,
  closed_days: closed,
})

describe('a month', () => {
  it('is whole weeks from Sunday on', () => {
    const days = daysOf('2026-11')
    expect([days[0]?.day, days.at(-1)?.day, days.length]).toEqual(['2026-11-01', '2026-12-05', 35])
    expect(daysOf('2026-02').length).toBe(28)
  })
  it('shows a subscription on each day on which the exchange opens', () => {
    const days = calendarOf('2026-05', calendar([event('2026-05-22', '2026-05-26')], [{ day: '2026-05-25', name: '대체공휴일' }]))
    expect(days.filter(({ events }) => events.length).map(({ day }) => day)).toEqual(['2026-05-22', '2026-05-26'])
    expect(days.find(({ day }) => day === '2026-05-25')?.closedAs).toBe('대체공휴일')
  })
  it('goes over the turn of the year', () => {
    expect([monthAfter('2026-12', 1), monthAfter('2026-01', -1)]).toEqual(['2027-01', '2025-12'])
  })
})

describe('ranges', () => {
  it('of prices', () => {
    const format = (value: number) => String(value)
    expect([rangeOf(1, 2, format), rangeOf(2, 2, format), rangeOf(null, 2, format), rangeOf(null, null, format)]).toEqual(['1~2', '2', '2', '–'])
  })
  it('of days', () => {
    expect(spanOf('2026-06-29', '2026-06-30', '2026')).toBe('06.29~30')
    expect(spanOf('2026-06-30', '2026-07-01', '2026')).toBe('06.30~07.01')
    expect(spanOf('2025-12-31', '2026-01-02', '2026')).toBe('2025.12.31~01.02')
    expect([spanOf('2026-06-30', null, '2026'), spanOf(null, null, '2026')]).toEqual(['06.30', '–'])
  })
})

describe('figures that people put right', () => {
  const ipo = { final_price: 20_000, open_price: null, first_close: 33_200, revenue_krw_million: -70, institution_rate: 987.65, lockup_pct: null, corrected: ['first_close'] }
  const typed = (changes: object) => ({ ...figuresOf(ipo), ...changes })

  it('go out where they differ, and are taken back by clearing', () => {
    expect(correctionsOf(ipo, typed({}))).toEqual({})
    expect(correctionsOf(ipo, typed({ final_price: '21,000', lockup_pct: '12.5%', first_close: '' }))).toEqual({ final_price: 21_000, lockup_pct: 12.5, first_close: null })
    expect(correctionsOf(ipo, typed({ final_price: '' }))).toEqual({})
    expect(correctionsOf(ipo, typed({ open_price: 'much' }))).toBeNull()
  })
})
