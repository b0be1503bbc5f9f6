import { describe, expect, it } from 'vitest'
import type { Schemas } from '@/lib/client'
import { faultsOf, newOpening, toOpenings, toPositions } from './opening'

const row = (changes: object = {}) => ({ ...newOpening('a1'), symbol: '005930', quantity: '10', amount: '710,000', ...changes })

describe('opening positions', () => {
  it('are sent as numbers, a cost that is left out as 0', () => {
    expect(toPositions([row({ symbol: ' 0001a0 ' }), row({ quantity: '1,000', amount: '' })])).toEqual([
      { account_id: 'a1', symbol: '0001A0', quantity: 10, amount: 710_000 },
      { account_id: 'a1', symbol: '005930', quantity: 1000, amount: 0 },
    ])
  })

  it('say what is wrong with them, and are not sent then', () => {
    const rows = [row({ accountId: '', symbol: '5930', quantity: '0', amount: 'x' }), row(), row()]
    expect(faultsOf(rows)).toEqual([{ accountId: 'account', symbol: 'symbol', quantity: 'quantity', amount: 'amount' }, {}, { symbol: 'twice' }])
    expect(toPositions(rows)).toBeNull()
  })

  it('are read off the positions of a fund, without what it only traded', () => {
    const position = (symbol: string, opening: number) => ({ account_id: 'a1', symbol, opening_quantity: opening, opening_amount: opening * 100 }) as Schemas['FundPosition']
    expect(toPositions(toOpenings([position('005930', 25), position('000660', 0)]))).toEqual([{ account_id: 'a1', symbol: '005930', quantity: 25, amount: 2500 }])
  })
})
