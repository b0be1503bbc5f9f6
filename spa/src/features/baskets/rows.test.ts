import { describe, expect, it } from 'vitest'
import { amountOf, byRow, countByAccount, isSame, isUnsent, type Line, linesOf, needsCare, type Order, type Outcome, type Request, sumUp, toLines, unpricedCount, violationsToConfirm } from './rows'

const request: Request = { account_id: 'a', symbol: '005930', exchange: 'KRX', side: 'buy', order_type: 'limit', time_in_force: 'day', quantity: 3, limit_price: 60_000 }
const order = (changes: Partial<Order>): Order => ({ status: 'new', reason: null, side: 'buy', filled_amount: 0, ...changes }) as Order
const line = (changes: Partial<Line>): Line => ({ row: 1, request, order: null, outcome: null, ...changes })
const outcome = (changes: Partial<Outcome>): Outcome => ({ row: 1, client_order_id: 'c', status_code: 409, order: null, code: 'risk_confirmation_required', detail: '', violations: [], ...changes })
const bytes = (values: readonly number[]): ArrayBuffer => new Uint8Array(values).buffer

describe('linesOf', () => {
  it('reads UTF-8 without its mark, and Korean Windows text, with any line ends', () => {
    expect(linesOf(new TextEncoder().encode('\uFEFF계좌,수량\r\n위탁,1\n').buffer as ArrayBuffer)).toEqual(['계좌,수량', '위탁,1', ''])
    expect(linesOf(bytes([0xb0, 0xe8, 0xc1, 0xc2, 0x0d, 0x31]))).toEqual(['계좌', '1'])
  })
})

describe('isSame', () => {
  it('compares byte for byte', () => {
    expect([isSame(bytes([1, 2]), bytes([1, 2])), isSame(bytes([1, 2]), bytes([1, 3])), isSame(bytes([1]), bytes([1, 2]))]).toEqual([true, false, false])
  })
})

describe('byRow', () => {
  it('puts the problems of a row together, in the order of the file', () => {
    const problem = (row: number, code: string) => ({ row, field: null, code, message: '' })
    const rows = byRow([problem(7, 'a'), problem(3, 'b'), problem(7, 'c')])
    expect(rows.map(({ row, problems }) => [row, problems.map(({ code }) => code).join()])).toEqual([[3, 'b'], [7, 'a,c']])
  })
})

describe('amounts', () => {
  it('are known where there is a price', () => {
    const market = { ...request, order_type: 'market' as const, limit_price: null }
    expect([amountOf(request), amountOf(market), unpricedCount([request, market])]).toEqual([180_000, null, 1])
    expect(countByAccount([request, { ...request, account_id: 'b' }, market])).toEqual([{ accountId: 'a', count: 2 }, { accountId: 'b', count: 1 }])
  })
})

describe('a placed basket', () => {
  it('tells what certainly never left from what was refused or is not known', () => {
    const unsent = [null, order({ status: 'rejected', reason: 'not_sent' })]
    const left = [order({}), order({ status: 'rejected', reason: 'broker' }), order({ status: 'unknown' }), order({ status: 'pending_new' })]
    expect(unsent.map((each) => isUnsent({ order: each }))).toEqual([true, true])
    expect(left.map((each) => isUnsent({ order: each }))).toEqual([false, false, false, false])
    expect(left.map((each) => needsCare(line({ order: each })))).toEqual([false, true, true, false])
  })

  it('is summed up by outcome, with the won of its fills', () => {
    const rows = [
      line({}),
      line({ order: order({ status: 'rejected', reason: 'not_sent' }) }),
      line({ order: order({ status: 'rejected', reason: 'broker' }) }),
      line({ order: order({ status: 'unknown' }) }),
      line({ order: order({ status: 'filled', filled_amount: 500 }) }),
      line({ order: order({ status: 'canceled', side: 'sell', filled_amount: 70 }) }),
    ]
    expect(sumUp(rows)).toEqual({ sent: 2, unsent: 2, rejected: 1, unknown: 1, filled: 1, bought: 500, sold: 70 })
  })

  it('goes with what the last sending said of its rows', () => {
    const basket = { id: 'b', client_basket_id: 'c', created_at: '', items: [{ row: 2, client_order_id: 'x', request, order: null }] }
    expect(toLines(basket, [outcome({ row: 2 })])[0]?.outcome?.code).toBe('risk_confirmation_required')
    expect(toLines(basket, [])[0]?.outcome).toBeNull()
  })

  it('asks to confirm each limit once, at its worst, and only for what has not left', () => {
    const violation = (actual: number) => ({ code: 'order_quantity' as const, scope: 'account' as const, action: 'confirm' as const, limit: 5, actual })
    const rows = [
      line({ outcome: outcome({ violations: [violation(6)] }) }),
      line({ outcome: outcome({ violations: [violation(9)] }) }),
      line({ outcome: outcome({ violations: [violation(20)] }), order: order({}) }),
      line({ outcome: outcome({ code: 'risk_limit_exceeded', violations: [violation(30)] }) }),
    ]
    expect(violationsToConfirm(rows)).toEqual([violation(9)])
  })
})
