/** Opening positions of a fund as a form holds them. Pure. */

import type { Schemas } from '@/lib/client'
import { parseInteger } from '@/lib/format'

export interface OpeningForm {
  /** Of the row on screen. */
  key: number
  accountId: string
  symbol: string
  quantity: string
  amount: string
}

export type OpeningFaults = Partial<Record<'accountId' | 'symbol' | 'quantity' | 'amount', 'account' | 'symbol' | 'quantity' | 'amount' | 'twice'>>

const CODE = /^[0-9A-Z]{6}$/
const MOST_SHARES = 9_999_999_999
const MOST_WON = 1_000_000_000_000_000

let lastKey = 0

export const newOpening = (accountId = ''): OpeningForm => ({ key: (lastKey += 1), accountId, symbol: '', quantity: '', amount: '' })

/** What a fund was opened with; its positions tell. */
export const toOpenings = (positions: readonly Schemas['FundPosition'][]): OpeningForm[] =>
  positions
    .filter(({ opening_quantity: quantity }) => quantity > 0)
    .map((position) => ({
      ...newOpening(position.account_id),
      symbol: position.symbol,
      quantity: String(position.opening_quantity),
      amount: String(position.opening_amount),
    }))

/** What is wrong with each row; empty objects where nothing is. */
export function faultsOf(openings: readonly OpeningForm[]): OpeningFaults[] {
  const seen = new Set<string>()
  return openings.map(({ accountId, symbol, quantity, amount }) => {
    const faults: OpeningFaults = {}
    const code = symbol.trim().toUpperCase()
    if (!accountId) faults.accountId = 'account'
    if (!CODE.test(code)) faults.symbol = 'symbol'
    else if (seen.has(`${accountId}:${code}`)) faults.symbol = 'twice'
    seen.add(`${accountId}:${code}`)
    const shares = parseInteger(quantity)
    if (!shares || shares > MOST_SHARES) faults.quantity = 'quantity'
    const won = amount.trim() ? parseInteger(amount) : 0
    if (won === null || won > MOST_WON) faults.amount = 'amount'
    return faults
  })
}

/** The rows as they are sent; null where something is wrong. */
export function toPositions(openings: readonly OpeningForm[]): Schemas['OpeningPosition'][] | null {
  if (faultsOf(openings).some((faults) => Object.keys(faults).length)) return null
  return openings.map(({ accountId, symbol, quantity, amount }) => ({
    account_id: accountId,
    symbol: symbol.trim().toUpperCase(),
    quantity: parseInteger(quantity) ?? 0,
    amount: parseInteger(amount) ?? 0,
  }))
}
