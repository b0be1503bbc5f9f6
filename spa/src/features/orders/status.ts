import type { Order } from './book'

type Tone = 'neutral' | 'live' | 'warning' | 'muted' | 'good'

/** How a status looks; what it says is in the messages. */
export const TONES: Record<Order['status'], { tone: Tone; dot?: boolean }> = {
  pending_new: { tone: 'neutral', dot: true },
  unknown: { tone: 'warning', dot: true },
  new: { tone: 'live', dot: true },
  partially_filled: { tone: 'live', dot: true },
  filled: { tone: 'good' },
  pending_cancel: { tone: 'neutral', dot: true },
  pending_replace: { tone: 'neutral', dot: true },
  canceled: { tone: 'muted' },
  rejected: { tone: 'warning' },
  expired: { tone: 'muted' },
}

/** Whether a cancel or replace has a chance: the API refuses the others with `order_not_open` or `order_busy`. */
export const canChange = (order: Order): boolean => order.status === 'new' || order.status === 'partially_filled'

const PRICED = new Set(['limit', 'conditional_limit', 'after_hours_single', 'after_market_limit'])

export const isPriced = (orderType: string): boolean => PRICED.has(orderType)
