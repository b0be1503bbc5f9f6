import { describe, expect, it } from 'vitest'
import { directionOf, formatAverage, formatChange, formatNumber, formatRate, formatSigned, formatTime, formatWon, parseInteger, seoulDay } from './format'

describe('format', () => {
  it('writes won with separators and the unit of the language', () => {
    expect(formatWon(71000)).toBe('71,000원')
    expect(formatWon(71000, 'en')).toBe('₩71,000')
    expect(formatWon(-1500, 'en')).toBe('-₩1,500')
  })

  it.each([formatWon, formatNumber, formatAverage, formatChange, formatRate, formatSigned])('writes a dash for what is not known (%#)', (format) => {
    expect(format(null)).toBe('–')
    expect(format(undefined)).toBe('–')
  })

  it('tells directions by an arrow, not by colour alone', () => {
    expect([formatChange(1200), formatChange(-300), formatChange(0)]).toEqual(['▲1,200', '▼300', '0'])
    expect([directionOf(1), directionOf(-1), directionOf(0)]).toEqual(['up', 'down', 'flat'])
  })

  it('signs rates and never writes a signed zero', () => {
    expect([formatRate(1.694), formatRate(-0.5), formatRate(0), formatRate(-0.001)]).toEqual(['+1.69%', '-0.50%', '0.00%', '0.00%'])
  })

  it('keeps an average price whole where it is whole', () => {
    expect([formatAverage(71000), formatAverage(71033.3333)]).toEqual(['71,000', '71,033.33'])
  })

  it('writes times in Seoul', () => {
    expect(formatTime('2026-11-23T00:00:01.250Z')).toBe('09:00:01')
    expect(formatTime('2026-11-23T00:00:01.250Z', true)).toBe('09:00:01.250')
    expect(seoulDay(new Date('2026-11-22T15:30:00Z'))).toBe('2026-11-23')
  })

  it('reads digits out of what was typed or pasted', () => {
    expect([parseInteger('71,000원'), parseInteger(' 5 '), parseInteger('abc'), parseInteger('')]).toEqual([71000, 5, null, null])
    expect(parseInteger('9'.repeat(30))).toBeNull()
  })
})
