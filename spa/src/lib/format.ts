/** The one place that writes won, quantities, times and signs. */

const LOCALES: Record<string, string> = { ko: 'ko-KR', en: 'en-US' }
const NOTHING = '–'
const integer = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

type Maybe = number | null | undefined

/** Whole number with thousands separators: shares, or won where the column already says so. */
export const formatNumber = (value: Maybe): string => (value == null ? NOTHING : integer.format(value))

/** Won with its unit: `71,000원` or `₩71,000`. */
export function formatWon(amount: Maybe, locale = 'ko'): string {
  if (amount == null) return NOTHING
  if (locale === 'ko') return `${integer.format(amount)}원`
  return amount < 0 ? `-₩${integer.format(-amount)}` : `₩${integer.format(amount)}`
}

const HUNDRED_MILLION = 100_000_000
const TRILLION = 1_000_000_000_000
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 2 })

/** Large amounts of won in the words that people use: `1조 2,345억원`, `12억원`; in English `₩1.23T`. Below 억 as they are. */
export function formatBigWon(amount: Maybe, locale = 'ko'): string {
  if (amount == null || Math.abs(amount) < HUNDRED_MILLION) return formatWon(amount, locale)
  if (locale !== 'ko') return `${amount < 0 ? '-' : ''}₩${compact.format(Math.abs(amount))}`
  const size = Math.round(Math.abs(amount) / HUNDRED_MILLION) * HUNDRED_MILLION
  const trillions = Math.floor(size / TRILLION)
  const rest = (size % TRILLION) / HUNDRED_MILLION
  const parts = [trillions && `${integer.format(trillions)}조`, rest && `${integer.format(rest)}억`].filter(Boolean)
  return `${amount < 0 ? '-' : ''}${parts.join(' ')}원`
}

/** Average price: up to two decimals, none where it is whole. */
export function formatAverage(price: Maybe): string {
  return price == null ? NOTHING : price.toLocaleString('en-US', { maximumFractionDigits: 2 })
}

export const directionOf = (change: number): 'up' | 'down' | 'flat' => (change > 0 ? 'up' : change < 0 ? 'down' : 'flat')

const ARROWS = { up: '▲', down: '▼', flat: '' } as const

/** A change without its sign, led by ▲ or ▼: colour alone never carries the direction. */
export function formatChange(change: Maybe): string {
  return change == null ? NOTHING : `${ARROWS[directionOf(change)]}${integer.format(Math.abs(change))}`
}

/** A rate in percent with its sign, two decimals. */
export function formatRate(percent: Maybe): string {
  if (percent == null) return NOTHING
  const text = Math.abs(percent).toFixed(2)
  return Number(text) === 0 ? '0.00%' : `${percent > 0 ? '+' : '-'}${text}%`
}

/** An amount of profit or loss with its sign. */
export function formatSigned(amount: Maybe): string {
  if (amount == null) return NOTHING
  return amount > 0 ? `+${integer.format(amount)}` : integer.format(amount)
}

/** Time of day in Seoul with seconds, whatever the browser's own zone. */
export function formatTime(at: string | null | undefined, withMilliseconds = false): string {
  if (!at) return NOTHING
  return new Intl.DateTimeFormat('en-GB', {
    timeZone: 'Asia/Seoul',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    ...(withMilliseconds ? { fractionalSecondDigits: 3 as const } : {}),
  }).format(new Date(at))
}

/** Day and time in Seoul. */
export function formatDateTime(at: string | null | undefined, locale = 'ko'): string {
  if (!at) return NOTHING
  const date = new Intl.DateTimeFormat(LOCALES[locale] ?? locale, { timeZone: 'Asia/Seoul', month: 'short', day: 'numeric' })
  return `${date.format(new Date(at))} ${formatTime(at)}`
}

/** The day in Seoul as `YYYY-MM-DD`. */
export function seoulDay(at: Date): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: 'Asia/Seoul' }).format(at)
}

/** Digits out of what somebody typed or pasted (`71,000원`), or null where there are none. */
export function parseInteger(text: string): number | null {
  const digits = text.replace(/[^0-9]/g, '')
  if (!digits) return null
  const value = Number(digits)
  return Number.isSafeInteger(value) ? value : null
}
