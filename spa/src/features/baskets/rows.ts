/** What can be said of a basket without asking anybody. Pure. */

import type { Schemas } from '@/lib/client'

export type Request = Schemas['RowRequest']
export type Outcome = Schemas['BasketRow']
export type Problem = Schemas['RowProblem']
export type Order = Schemas['Order']

/** A row as it is shown: what it asks for, its order where one is stored, and what the last sending said where it was not sent. */
export interface Line {
  row: number
  request: Request
  order: Order | null
  outcome: Outcome | null
}

/** A file's lines as a person sees them, numbered from 1 as the API numbers rows; Korean spreadsheets write UTF-8 or CP949. */
export function linesOf(content: ArrayBuffer): string[] {
  return decode(content).split(/\r\n|\n|\r/)
}

function decode(content: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch {
    return new TextDecoder('euc-kr').decode(content) // the web's name for CP949
  }
}

/** Whether it is the same file again, byte for byte. */
export function isSame(one: ArrayBuffer, other: ArrayBuffer): boolean {
  const others = new Uint8Array(other)
  return one.byteLength === other.byteLength && new Uint8Array(one).every((byte, index) => byte === others[index])
}

/** A row's problems together, in the order of the file. */
export function byRow(problems: readonly Problem[]): { row: number; problems: Problem[] }[] {
  const rows = new Map<number, Problem[]>()
  for (const problem of problems) rows.set(problem.row, [...(rows.get(problem.row) ?? []), problem])
  return [...rows].sort(([a], [b]) => a - b).map(([row, found]) => ({ row, problems: found }))
}

/** Won at the limit price; null where the exchange makes the price. */
export const amountOf = ({ quantity, limit_price: price }: Request): number | null => (price == null ? null : quantity * price)

/** Orders without a price: their amounts are in no sum. */
export const unpricedCount = (requests: readonly Request[]): number => requests.filter(({ limit_price: price }) => price == null).length

/** How many orders each account gets, in the order of their first rows. */
export function countByAccount(requests: readonly Request[]): { accountId: string; count: number }[] {
  const counts = new Map<string, number>()
  for (const { account_id: accountId } of requests) counts.set(accountId, (counts.get(accountId) ?? 0) + 1)
  return [...counts].map(([accountId, count]) => ({ accountId, count }))
}

/** A stored basket, with what the last sending of it said. */
export function toLines(basket: Schemas['Basket'], outcomes: readonly Outcome[]): Line[] {
  const said = new Map(outcomes.map((outcome) => [outcome.row, outcome]))
  return basket.items.map(({ row, request, order }) => ({ row, request, order, outcome: said.get(row) ?? null }))
}

/** Certainly never at a broker: sending the basket again sends it. */
export const isUnsent = ({ order }: Pick<Line, 'order'>): boolean => order === null || (order.status === 'rejected' && order.reason === 'not_sent')

/** Whether somebody has to look at the row. */
export const needsCare = (line: Line): boolean => isUnsent(line) || line.order?.status === 'rejected' || line.order?.status === 'unknown'

export interface Sums {
  sent: number
  unsent: number
  rejected: number
  unknown: number
  filled: number
  bought: number
  sold: number
}

/** Rows by what became of them, and the won of their fills. */
export function sumUp(lines: readonly Line[]): Sums {
  const sums: Sums = { sent: 0, unsent: 0, rejected: 0, unknown: 0, filled: 0, bought: 0, sold: 0 }
  for (const line of lines) {
    if (isUnsent(line) || !line.order) {
      sums.unsent += 1
      continue
    }
    const { status, side, filled_amount: amount } = line.order
    if (status === 'rejected') sums.rejected += 1
    else if (status === 'unknown') sums.unknown += 1
    else sums.sent += 1
    if (status === 'filled') sums.filled += 1
    sums[side === 'buy' ? 'bought' : 'sold'] += amount
  }
  return sums
}

/** The limits that unsent rows wait for, each once: confirming their codes lets them pass. */
export function violationsToConfirm(lines: readonly Line[]): Schemas['RiskViolation'][] {
  const found = new Map<string, Schemas['RiskViolation']>()
  for (const line of lines) {
    if (!isUnsent(line) || line.outcome?.code !== 'risk_confirmation_required') continue
    for (const violation of line.outcome.violations) {
      const key = violation.code + violation.scope
      const known = found.get(key)
      if (!known || violation.actual > known.actual) found.set(key, violation)
    }
  }
  return [...found.values()]
}
