/** Risk limits as a form: text in fields, limits on the wire. */

import type { Schemas } from '@/lib/client'
import { formatNumber } from '@/lib/format'

export const LIMIT_CODES = [
  'order_value',
  'order_quantity',
  'day_value',
  'orders_per_second',
  'orders_per_minute',
  'price_distance',
  'same_order',
] as const

export type LimitCode = (typeof LIMIT_CODES)[number]
export type Form = Record<LimitCode, { text: string; action: 'block' | 'confirm' }>

const MOST: Partial<Record<LimitCode, number>> = { orders_per_second: 100_000, orders_per_minute: 100_000, price_distance: 1_000, same_order: 86_400 }
const MOST_OF_ALL = 10 ** 15

export const emptyForm = (): Form => Object.fromEntries(LIMIT_CODES.map((code) => [code, { text: '', action: 'block' as const }])) as Form

export const toForm = (limits: Schemas['RiskLimits']): Form =>
  Object.fromEntries(
    LIMIT_CODES.map((code) => {
      const limit = limits[code]
      return [code, { text: limit ? (Number.isInteger(limit.limit) ? formatNumber(limit.limit) : String(limit.limit)) : '', action: limit?.action === 'confirm' ? 'confirm' : 'block' }]
    }),
  ) as Form

/** The number in a field: null where it is empty, `invalid` where it is none that this limit can have. */
export function parseLimit(code: LimitCode, text: string): number | null | 'invalid' {
  const plain = text.replaceAll(',', '').trim()
  if (plain === '') return null
  const pattern = code === 'price_distance' ? /^\d+(\.\d+)?$/ : /^\d+$/
  const value = Number(plain)
  return pattern.test(plain) && value > 0 && value <= (MOST[code] ?? MOST_OF_ALL) ? value : 'invalid'
}

/** What to send; null while a field is wrong. */
export function toLimits(form: Form): Schemas['PutRiskLimits'] | null {
  const limits: Record<string, { limit: number; action: 'block' | 'confirm' }> = {}
  for (const code of LIMIT_CODES) {
    const limit = parseLimit(code, form[code].text)
    if (limit === 'invalid') return null
    if (limit !== null) limits[code] = { limit, action: form[code].action }
  }
  return limits as Schemas['PutRiskLimits']
}
