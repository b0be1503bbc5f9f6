import { describe, expect, it } from 'vitest'
import { formatDecimal, formatFraction, parseDecimal, shiftDecimal, sumDecimals } from './decimal'

describe('exact decimals', () => {
  it('are read as people write them', () => {
    expect(['1,000.50', '33.3%', ' -5 ', '007', '-0', '0.10'].map(parseDecimal)).toEqual(['1000.5', '33.3', '-5', '7', '0', '0.1'])
    expect(['', 'a', '1.', '.5', '1e3', '--1', '1.123456789', '1234567890123456'].map(parseDecimal)).toEqual(Array(8).fill(null))
  })

  it('move their point without a float in between', () => {
    expect([shiftDecimal('0.015', -2), shiftDecimal('5', -2), shiftDecimal('100', -2), shiftDecimal('0', -2)]).toEqual(['0.00015', '0.05', '1', '0'])
    expect([shiftDecimal('0.00015', 2), shiftDecimal('1.5', 2), shiftDecimal('-0.333', 2)]).toEqual(['0.015', '150', '-33.3'])
  })

  it('add up exactly', () => {
    expect(sumDecimals(['0.1', '0.2'])).toBe('0.3')
    expect(sumDecimals(['999999999999999', '0.00000001', '-1'])).toBe('999999999999998.00000001')
    expect(sumDecimals(['1', '-1.5'])).toBe('-0.5')
    expect(sumDecimals([])).toBe('0')
  })

  it('are shown with separators, and no digit is lost', () => {
    expect(['71033.3333', '999999999999999.12345678', '-1234', '12.3400'].map(formatDecimal)).toEqual(['71,033.3333', '999,999,999,999,999.12345678', '-1,234', '12.34'])
  })

  it('come out of fractions with two places, half up', () => {
    expect(['100/3', '500', '-100', '333/5', '1/200', '-1/1000', '2/3'].map(formatFraction)).toEqual(['33.33', '500', '-100', '66.6', '0.01', '0', '0.67'])
    expect(formatFraction('100000000000000000001/3')).toBe('33,333,333,333,333,333,333.67')
  })
})
