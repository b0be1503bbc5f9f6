/** An allocation plan as a form holds it, and what can be said about it without asking anybody. Pure. */

import type { Schemas } from '@/lib/client'
import { parseDecimal, shiftDecimal, sumDecimals } from '@/lib/decimal'

export type Method = Schemas['Method']
export type Unit = 'weight' | 'shares' | 'won' | 'percent'

export interface MethodRule {
  /** Whether the block tells the quantity; else the lines do. */
  divides: boolean
  /** What the value of a line is; null where the method reads none. */
  unit: Unit | null
  onlySide?: Schemas['Side']
}

/** What each method reads (source: `api/domain/allocation/methods.py`), in the order that managers look for them. */
export const METHODS: Record<Method, MethodRule> = {
  fund_size: { divides: true, unit: null },
  target_weight: { divides: false, unit: 'percent' },
  fund_change: { divides: false, unit: 'percent' },
  holding_change: { divides: false, unit: 'percent' },
  sell_all: { divides: false, unit: null, onlySide: 'sell' },
  equal: { divides: true, unit: null },
  ratio: { divides: true, unit: 'weight' },
  fixed_quantity: { divides: false, unit: 'shares' },
  amount: { divides: false, unit: 'won' },
  available_cash: { divides: true, unit: null, onlySide: 'buy' },
}

export interface LineForm {
  /** Of the row on screen. */
  key: number
  fundId: string
  accountId: string
  value: string
  minimum: string
  maximum: string
}

export interface PlanForm {
  name: string
  method: Method
  onShortfall: 'reduce' | 'reject'
  onRejection: Schemas['OnRejection']
  /** Percent of the amount. */
  fee: string
  lines: LineForm[]
}

export type LineFault = 'fund' | 'account' | 'twice' | 'value' | 'above_zero' | 'whole' | 'shares' | 'order'
export type LineFaults = Partial<Record<'fund' | 'account' | 'value' | 'minimum' | 'maximum', LineFault>>

export interface Faults {
  name: boolean
  fee: boolean
  lines: LineFaults[]
}

let lastKey = 0

export const newLine = (fundId = '', accountId = ''): LineForm => ({ key: (lastKey += 1), fundId, accountId, value: '', minimum: '', maximum: '' })

export const emptyPlan = (): PlanForm => ({ name: '', method: 'fund_size', onShortfall: 'reduce', onRejection: 'keep', fee: '0', lines: [newLine()] })

export function toForm(plan: Schemas['Plan']): PlanForm {
  const { unit } = METHODS[plan.method]
  return {
    name: plan.name,
    method: plan.method,
    onShortfall: plan.on_shortfall,
    onRejection: plan.on_rejection,
    fee: shiftDecimal(plan.fee_rate, 2),
    lines: plan.lines.map(({ fund_id, account_id, value, minimum, maximum }) => ({
      ...newLine(fund_id, account_id),
      value: unit ? value : '',
      minimum: minimum ? String(minimum) : '',
      maximum: maximum === null ? '' : String(maximum),
    })),
  }
}

const FEE = /^0(\.[0-9]{1,8})?$/
const MOST_SHARES = 9_999_999_999

/** Shares that somebody typed; `fallback` for an empty field, undefined for what is no number of shares. */
function parseShares<T>(text: string, fallback: T): number | T | undefined {
  const digits = text.replace(/[\s,]/g, '')
  if (!digits) return fallback
  return /^\d+$/.test(digits) && Number(digits) <= MOST_SHARES ? Number(digits) : undefined
}

const feeRate = (fee: string): string | null => {
  const percent = parseDecimal(fee || '0')
  const rate = percent === null ? null : shiftDecimal(percent, -2)
  return rate !== null && FEE.test(rate) ? rate : null
}

/** What is wrong with the form, by field; the API checks again, and more. */
export function faultsOf(form: PlanForm): Faults {
  const seen = new Set<string>()
  const lines = form.lines.map((line) => {
    const faults = lineFaults(form.method, line)
    const place = `${line.fundId}:${line.accountId}`
    if (line.fundId && line.accountId && seen.has(place)) faults.account = 'twice'
    seen.add(place)
    return faults
  })
  return { name: !form.name.trim(), fee: feeRate(form.fee) === null, lines }
}

export const isSound = ({ name, fee, lines }: Faults): boolean => !name && !fee && lines.length > 0 && lines.every((faults) => !Object.keys(faults).length)

function lineFaults(method: Method, line: LineForm): LineFaults {
  const faults: LineFaults = {}
  const { unit } = METHODS[method]
  if (!line.fundId) faults.fund = 'fund'
  if (!line.accountId) faults.account = 'account'
  if (unit) {
    const value = parseDecimal(line.value)
    if (value === null || Number(value) === 0) faults.value = 'value'
    else if (unit !== 'percent' && value.startsWith('-')) faults.value = 'above_zero'
    else if ((unit === 'shares' || unit === 'won') && value.includes('.')) faults.value = 'whole'
  }
  const minimum = parseShares(line.minimum, 0)
  const maximum = parseShares(line.maximum, null)
  if (minimum === undefined) faults.minimum = 'shares'
  if (maximum === undefined) faults.maximum = 'shares'
  else if (maximum !== null && minimum !== undefined && maximum < minimum) faults.maximum = 'order'
  return faults
}

/** The plan to store; null where something is wrong with the form. */
export function toPlan(form: PlanForm): Schemas['CreatePlan'] | null {
  if (!isSound(faultsOf(form))) return null
  const { unit } = METHODS[form.method]
  return {
    name: form.name.trim(),
    method: form.method,
    on_shortfall: form.onShortfall,
    on_rejection: form.onRejection,
    fee_rate: feeRate(form.fee) ?? '0',
    lines: form.lines.map(({ fundId, accountId, value, minimum, maximum }) => ({
      fund_id: fundId,
      account_id: accountId,
      value: unit ? (parseDecimal(value) ?? '0') : '0',
      minimum: parseShares(minimum, 0) ?? 0,
      maximum: parseShares(maximum, null) ?? null,
    })),
  }
}

/** Whether the form says anything else than the stored plan. */
export function isChanged(form: PlanForm, stored: Schemas['Plan']): boolean {
  const plain = ({ name, method, onShortfall, onRejection, fee, lines }: PlanForm) =>
    JSON.stringify([name, method, onShortfall, onRejection, fee, lines.map(({ fundId, accountId, value, minimum, maximum }) => [fundId, accountId, value, minimum, maximum])])
  return plain(form) !== plain(toForm(stored))
}

/** Sum of the lines' values, where one means anything: percentages of different funds do not add up. */
export function sumOfValues(form: PlanForm): string | null {
  const { unit } = METHODS[form.method]
  return unit && unit !== 'percent' ? sumDecimals(form.lines.map(({ value }) => parseDecimal(value) ?? '0')) : null
}
