import { describe, expect, it } from 'vitest'
import type { Schemas } from '@/lib/client'
import { type BlockDraft, check, emptyDraft, exchangesOf, toBlock } from './draft'

const stock = { symbol: '005930', kind: 'stock', lotSize: 1 }
const draft = (changes: Partial<BlockDraft> = {}): BlockDraft => ({ ...emptyDraft(), quantity: 101, price: 71_000, ...changes })

describe('block draft', () => {
  it('has no findings when it can be previewed', () => {
    expect(check(draft(), 'ratio', stock)).toEqual({})
    expect(check(draft({ by: 'amount', quantity: null, amount: 1_000_000 }), 'equal', stock)).toEqual({})
    expect(check(draft({ orderType: 'market', price: null }), 'equal', stock)).toEqual({})
  })

  it('names what is missing', () => {
    expect(check(emptyDraft(), null, null)).toEqual({ plan: { key: 'plan' }, symbol: { key: 'symbol' }, price: { key: 'price' } })
    expect(check(draft({ by: 'amount' }), 'fund_size', stock)).toEqual({ size: { key: 'amount' } })
    expect(check(draft({ quantity: 15 }), 'fund_size', { ...stock, lotSize: 10 })).toEqual({ size: { key: 'lot', values: { lot: 10 } } })
    expect(check(draft({ price: 71_050 }), 'ratio', stock)).toEqual({ price: { key: 'tick', values: { below: 71_000, above: 71_100 } } })
  })

  it('asks for no quantity where the lines tell it, and sends none', () => {
    expect(check(draft({ quantity: null }), 'target_weight', stock)).toEqual({})
    const block = toBlock(draft({ quantity: 5, amount: 7 }), { id: 'p', method: 'target_weight' }, '005930')
    expect([block.quantity, block.amount]).toEqual([null, null])
  })

  it('keeps methods to their side', () => {
    expect(check(draft(), 'sell_all', stock).side?.key).toBe('side_sell')
    expect(check(draft({ side: 'sell' }), 'available_cash', stock).side?.key).toBe('side_buy')
    expect(check(draft({ side: 'sell', quantity: null }), 'sell_all', stock)).toEqual({})
  })

  it('sends either the quantity or the amount, and a price only with an order that takes one', () => {
    const plan = { id: 'p', method: 'ratio' } as const
    expect(toBlock(draft({ by: 'amount', amount: 7 }), plan, '005930')).toMatchObject({ quantity: null, amount: 7, limit_price: 71_000 })
    expect(toBlock(draft({ orderType: 'market' }), plan, '005930')).toMatchObject({ quantity: 101, amount: null, order_type: 'market', limit_price: null })
  })
})

describe('exchanges of a block', () => {
  const offer = (...exchanges: Schemas['Exchange'][]) =>
    ({ order_kinds: [{ order_type: 'limit', time_in_force: 'day', exchanges, has_limit_price: true }] }) as unknown as Schemas['BrokerCapabilities']

  it('are those that every broker of the plan takes', () => {
    expect(exchangesOf([offer('KRX', 'NXT', 'SOR'), offer('KRX', 'SOR')], 'limit')).toEqual(['KRX', 'SOR'])
  })

  it('are KRX while nothing else is known', () => {
    expect(exchangesOf([], 'limit')).toEqual(['KRX'])
    expect(exchangesOf([null], 'limit')).toEqual(['KRX'])
    expect(exchangesOf([offer('NXT')], 'market')).toEqual(['KRX'])
  })
})
