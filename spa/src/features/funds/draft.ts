/** What a block ticket holds, and what can be said about it without asking anybody. Pure. */

import type { Schemas } from '@/lib/client'
import { isOnTick, stepPrice, tickSize } from '@/lib/ticks'
import { type Method, METHODS } from './plan'

export type Exchange = Schemas['Exchange']

export interface BlockDraft {
  side: Schemas['Side']
  /** What the block tells, under a method that divides. */
  by: 'quantity' | 'amount'
  quantity: number | null
  amount: number | null
  orderType: 'limit' | 'market'
  exchange: Exchange
  price: number | null
}

export interface Stock {
  symbol: string
  kind: string
  lotSize: number
}

export interface Finding {
  key: 'plan' | 'symbol' | 'side_buy' | 'side_sell' | 'quantity' | 'lot' | 'amount' | 'price' | 'tick'
  values?: Record<string, number>
}

export type Findings = Partial<Record<'plan' | 'symbol' | 'side' | 'size' | 'price', Finding>>

export const emptyDraft = (): BlockDraft => ({ side: 'buy', by: 'quantity', quantity: null, amount: null, orderType: 'limit', exchange: 'KRX', price: null })

/** What is wrong with the draft, by field; empty where it may be previewed. */
export function check(draft: BlockDraft, method: Method | null, stock: Stock | null): Findings {
  const findings: Findings = {}
  if (!method) findings.plan = { key: 'plan' }
  if (!stock) findings.symbol = { key: 'symbol' }
  const rule = method && METHODS[method]
  if (rule?.onlySide && rule.onlySide !== draft.side) findings.side = { key: rule.onlySide === 'buy' ? 'side_buy' : 'side_sell' }
  if (rule?.divides) {
    const size = checkSize(draft, stock)
    if (size) findings.size = size
  }
  if (draft.orderType === 'limit') {
    if (!draft.price) findings.price = { key: 'price' }
    else if (stock && !isOnTick(draft.price, stock.kind)) {
      const below = draft.price - (draft.price % tickSize(draft.price, stock.kind))
      findings.price = { key: 'tick', values: { below, above: stepPrice(draft.price, 1, stock.kind) } }
    }
  }
  return findings
}

function checkSize({ by, quantity, amount }: BlockDraft, stock: Stock | null): Finding | null {
  if (by === 'amount') return amount ? null : { key: 'amount' }
  if (!quantity) return { key: 'quantity' }
  return stock && quantity % stock.lotSize ? { key: 'lot', values: { lot: stock.lotSize } } : null
}

/** The block to preview or to send: a draft without findings. */
export function toBlock(draft: BlockDraft, plan: { id: string; method: Method }, symbol: string): Schemas['PlaceBlock'] {
  const { divides } = METHODS[plan.method]
  return {
    plan_id: plan.id,
    symbol,
    side: draft.side,
    quantity: divides && draft.by === 'quantity' ? draft.quantity : null,
    amount: divides && draft.by === 'amount' ? draft.amount : null,
    order_type: draft.orderType,
    time_in_force: 'day',
    exchange: draft.exchange,
    limit_price: draft.orderType === 'limit' ? draft.price : null,
  }
}

const PLAIN: readonly Exchange[] = ['KRX']

/** Where every one of the brokers takes such a day order; KRX while that is not known. */
export function exchangesOf(offers: readonly (Schemas['BrokerCapabilities'] | null)[], orderType: BlockDraft['orderType']): readonly Exchange[] {
  const each = offers.flatMap((offer) => (offer ? [offer.order_kinds.find((kind) => kind.order_type === orderType && kind.time_in_force === 'day')?.exchanges ?? []] : []))
  const [first, ...rest] = each
  const common = first?.filter((exchange) => rest.every((exchanges) => exchanges.includes(exchange))) ?? []
  return common.length ? common : PLAIN
}
