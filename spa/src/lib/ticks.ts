/** KRX tick sizes, for the price stepper; the API decides (source: `api/domain/ticks.py`, KRX 호가가격단위 since 2023-01-25). */

const BOUNDS = [2_000, 5_000, 20_000, 50_000, 200_000, 500_000]
const TICKS = [1, 5, 10, 50, 100, 500, 1_000]
const FUND_BOUND = 2_000

/** Won between two neighbouring prices at `price`. */
export function tickSize(price: number, kind: string): number {
  if (kind === 'etf' || kind === 'etn') return price < FUND_BOUND ? 1 : 5
  const index = BOUNDS.findIndex((bound) => price < bound)
  return TICKS[index === -1 ? BOUNDS.length : index] as number
}

/** The next price up (`steps` > 0) or down that an order may name; never below one won. */
export function stepPrice(price: number, steps: number, kind: string): number {
  let next = price
  for (let step = 0; step < Math.abs(steps); step += 1) {
    if (steps > 0) {
      const tick = tickSize(next, kind)
      next = next - (next % tick) + tick
    } else {
      const tick = tickSize(Math.max(next - 1, 1), kind)
      const rest = next % tick
      next = Math.max(next - (rest || tick), 1)
    }
  }
  return next
}

export const isOnTick = (price: number, kind: string): boolean => price > 0 && price % tickSize(price, kind) === 0
