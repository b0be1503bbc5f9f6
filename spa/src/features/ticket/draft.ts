/** What a ticket holds, and what can be said about it without asking anybody. Pure. */

import type { Schemas } from '@/lib/client'
import { isOnTick, stepPrice, tickSize } from '@/lib/ticks'

export type OrderType = Schemas['OrderType']
export type Side = Schemas['Side']

export interface Draft {
  accountId: string
  symbol: string
  side: Side
  orderType: OrderType
  timeInForce: Schemas['TimeInForce']
  exchange: Schemas['Exchange']
  quantity: number | null
  price: number | null
}

/** What is known about the stock; prices in won. */
export interface Market {
  kind: string
  lotSize: number
  lowerLimit: number | null
  upperLimit: number | null
}

export interface Finding {
  key: 'account' | 'symbol' | 'quantity' | 'lot' | 'price' | 'tick' | 'limits'
  values?: Record<string, number>
}

export type Findings = Partial<Record<'account' | 'symbol' | 'quantity' | 'price', Finding>>

export type Terms = Pick<Draft, 'orderType' | 'timeInForce' | 'exchange'>
export type OrderKind = Schemas['OrderKind']

/** What a ticket starts with, and what is offered while the broker's own list is on its way. */
const PLAIN: readonly OrderKind[] = [{ order_type: 'limit', time_in_force: 'day', exchanges: ['KRX'], has_limit_price: true }]

export interface Choices {
  orderTypes: OrderType[]
  timesInForce: Schemas['TimeInForce'][]
  exchanges: Schemas['Exchange'][]
}

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)]

/** What may be chosen with these terms: any order type of the broker's, then what goes with that type, then where. */
export function choicesOf(kinds: readonly OrderKind[] | null, terms: Terms): Choices {
  const offered = kinds ?? PLAIN
  const ofType = offered.filter((kind) => kind.order_type === terms.orderType)
  return {
    orderTypes: distinct(offered.map((kind) => kind.order_type)),
    timesInForce: distinct(ofType.map((kind) => kind.time_in_force)),
    exchanges: ofType.find((kind) => kind.time_in_force === terms.timeInForce)?.exchanges ?? [],
  }
}

/** The terms as the broker takes them: each kept where it is offered, else the first that is, the order type before the others. */
export function settleTerms(kinds: readonly OrderKind[] | null, terms: Terms): Terms {
  const keep = <T>(value: T, offered: readonly T[]): T => (offered.includes(value) || offered[0] === undefined ? value : offered[0])
  const orderType = keep(terms.orderType, choicesOf(kinds, terms).orderTypes)
  const timeInForce = keep(terms.timeInForce, choicesOf(kinds, { ...terms, orderType }).timesInForce)
  const exchange = keep(terms.exchange, choicesOf(kinds, { ...terms, orderType, timeInForce }).exchanges)
  return { orderType, timeInForce, exchange }
}

const PRICED: ReadonlySet<OrderType> = new Set(['limit', 'conditional_limit', 'after_hours_single', 'after_market_limit'])

export const isPriced = (orderType: OrderType): boolean => PRICED.has(orderType)

/** What is wrong with the draft, by field; empty where it may be reviewed. The API checks again, and more. */
export function check(draft: Draft, market: Market | null): Findings {
  const findings: Findings = {}
  if (!draft.accountId) findings.account = { key: 'account' }
  if (!draft.symbol || !market) findings.symbol = { key: 'symbol' }
  if (!draft.quantity) findings.quantity = { key: 'quantity' }
  else if (market && draft.quantity % market.lotSize) findings.quantity = { key: 'lot', values: { lot: market.lotSize } }
  const price = isPriced(draft.orderType) ? checkPrice(draft.price, market) : null
  if (price) findings.price = price
  return findings
}

function checkPrice(price: number | null, market: Market | null): Finding | null {
  if (!price) return { key: 'price' }
  if (!market) return null
  if (!isOnTick(price, market.kind)) {
    return { key: 'tick', values: { below: price - (price % tickSize(price, market.kind)), above: stepPrice(price, 1, market.kind) } }
  }
  const { lowerLimit, upperLimit } = market
  if (lowerLimit && upperLimit && (price < lowerLimit || price > upperLimit)) {
    return { key: 'limits', values: { lower: lowerLimit, upper: upperLimit } }
  }
  return null
}

/** The order to send: a draft without findings, under an id that stays the same however often it is sent. */
export function toOrder(draft: Draft, clientOrderId: string): Schemas['PlaceOrder'] {
  return {
    account_id: draft.accountId,
    client_order_id: clientOrderId,
    symbol: draft.symbol,
    side: draft.side,
    order_type: draft.orderType,
    time_in_force: draft.timeInForce,
    exchange: draft.exchange,
    quantity: draft.quantity ?? 0,
    limit_price: isPriced(draft.orderType) ? draft.price : null,
  }
}

/** A new id for a ticket that somebody asks to review. */
export function newClientOrderId(): string {
  // `randomUUID` exists in secure contexts only; the random numbers are there in all.
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return `web-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
