import { describe, expect, it } from 'vitest'
import { check, choicesOf, type Draft, type Market, newClientOrderId, type OrderKind, settleTerms, toOrder } from './draft'

const draft: Draft = { accountId: 'a', symbol: '005930', side: 'buy', orderType: 'limit', timeInForce: 'day', exchange: 'KRX', quantity: 10, price: 71_000 }
const market: Market = { kind: 'stock', lotSize: 1, lowerLimit: 49_700, upperLimit: 92_300 }

describe('ticket draft', () => {
  it('has no findings when it can be sent', () => expect(check(draft, market)).toEqual({}))

  it('names each field that is missing', () => {
    const findings = check({ ...draft, accountId: '', symbol: '', quantity: null, price: null }, null)
    expect(Object.values(findings).map(({ key }) => key)).toEqual(['account', 'symbol', 'quantity', 'price'])
  })

  it('offers the two prices next to one off the tick', () => {
    expect(check({ ...draft, price: 71_050 }, market).price).toEqual({ key: 'tick', values: { below: 71_000, above: 71_100 } })
  })

  it('keeps the price within the limits of the day, where they are known', () => {
    expect(check({ ...draft, price: 92_400 }, market).price?.key).toBe('limits')
    expect(check({ ...draft, price: 92_400 }, { ...market, lowerLimit: null, upperLimit: null })).toEqual({})
  })

  it('wants whole lots', () => expect(check({ ...draft, quantity: 15 }, { ...market, lotSize: 10 }).quantity?.key).toBe('lot'))

  it('sends no price with an order that takes none', () => {
    const order = toOrder({ ...draft, orderType: 'market' }, 'web-1')
    expect(check({ ...draft, orderType: 'market', price: 71_050 }, market)).toEqual({})
    expect([order.limit_price, order.client_order_id]).toEqual([null, 'web-1'])
  })

  it('draws a new id for each ticket', () => {
    const ids = new Set(Array.from({ length: 100 }, newClientOrderId))
    expect(ids.size).toBe(100)
    expect([...ids][0]).toMatch(/^web-[0-9a-f]{32}$/)
  })
})

describe('what a broker offers', () => {
  const kinds: OrderKind[] = [
    { order_type: 'limit', time_in_force: 'day', exchanges: ['KRX', 'NXT', 'SOR'], has_limit_price: true },
    { order_type: 'limit', time_in_force: 'ioc', exchanges: ['KRX'], has_limit_price: true },
    { order_type: 'market', time_in_force: 'day', exchanges: ['KRX', 'SOR'], has_limit_price: false },
    { order_type: 'midpoint', time_in_force: 'day', exchanges: ['NXT'], has_limit_price: false },
  ]
  const terms = { orderType: 'limit', timeInForce: 'day', exchange: 'KRX' } as const

  it('is chosen from type by type, each once', () => {
    expect(choicesOf(kinds, terms)).toEqual({ orderTypes: ['limit', 'market', 'midpoint'], timesInForce: ['day', 'ioc'], exchanges: ['KRX', 'NXT', 'SOR'] })
    expect(choicesOf(kinds, { ...terms, timeInForce: 'ioc' }).exchanges).toEqual(['KRX'])
    expect(choicesOf(kinds, { ...terms, orderType: 'market' }).timesInForce).toEqual(['day'])
  })

  it('leaves terms alone that it takes', () => {
    for (const exchange of ['KRX', 'NXT', 'SOR'] as const) expect(settleTerms(kinds, { ...terms, exchange })).toEqual({ ...terms, exchange })
  })

  it('moves the terms that do not go with the order type, and no others', () => {
    expect(settleTerms(kinds, { ...terms, orderType: 'midpoint' })).toEqual({ orderType: 'midpoint', timeInForce: 'day', exchange: 'NXT' })
    expect(settleTerms(kinds, { ...terms, timeInForce: 'ioc', exchange: 'SOR' })).toEqual({ ...terms, timeInForce: 'ioc' })
    expect(settleTerms(kinds, { orderType: 'market', timeInForce: 'ioc', exchange: 'SOR' })).toEqual({ orderType: 'market', timeInForce: 'day', exchange: 'SOR' })
  })

  it('moves a type that the account at another broker does not take', () => {
    expect(settleTerms(kinds, { ...terms, orderType: 'top_limit' })).toEqual(terms)
  })

  it('is a plain limit order until the list is there', () => {
    expect(choicesOf(null, terms)).toEqual({ orderTypes: ['limit'], timesInForce: ['day'], exchanges: ['KRX'] })
    expect(settleTerms(null, { ...terms, orderType: 'market' })).toEqual(terms)
  })
})
