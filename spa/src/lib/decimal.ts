/** Exact decimals as text, as the API writes them; nothing here goes through a float. Pure. */

const DECIMAL = /^-?\d{1,15}(\.\d{1,8})?$/
const PLACES = 8

/** A decimal out of what somebody typed (`1,000.50`, `33.3%`), without needless zeros; null where it is none. */
export function parseDecimal(text: string): string | null {
  const bare = text.replace(/[\s,%]/g, '')
  return DECIMAL.test(bare) ? trim(bare) : null
}

/** The decimal times ten to the power of `places`. */
export function shiftDecimal(decimal: string, places: number): string {
  const { sign, whole, fraction } = split(decimal)
  const point = whole.length + places
  const digits = '0'.repeat(Math.max(1 - point, 0)) + (whole + fraction).padEnd(point, '0')
  const cut = Math.max(point, 1)
  return trim(`${sign}${digits.slice(0, cut)}.${digits.slice(cut)}`)
}

export function sumDecimals(decimals: readonly string[]): string {
  const sum = decimals.reduce((total, decimal) => total + scaled(decimal), 0n)
  const digits = String(sum < 0n ? -sum : sum).padStart(PLACES + 1, '0')
  return trim(`${sum < 0n ? '-' : ''}${digits.slice(0, -PLACES)}.${digits.slice(-PLACES)}`)
}

/** With thousands separators: `71033.3333` → `71,033.3333`. */
export function formatDecimal(decimal: string): string {
  const { sign, whole, fraction } = split(trim(decimal))
  return `${sign}${whole.replace(/\B(?=(\d{3})+$)/g, ',')}${fraction && `.${fraction}`}`
}

/** A fraction such as `100/3` with two decimals, half up: `33.33`. */
export function formatFraction(text: string): string {
  const [numerator = '0', denominator = '1'] = text.split('/')
  const [above, below] = [BigInt(numerator), BigInt(denominator)]
  const size = ((above < 0n ? -above : above) * 200n + below) / (below * 2n)
  const digits = String(size).padStart(3, '0')
  return formatDecimal(`${above < 0n && size ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`)
}

function split(decimal: string): { sign: string; whole: string; fraction: string } {
  const sign = decimal.startsWith('-') ? '-' : ''
  const [whole = '0', fraction = ''] = decimal.slice(sign.length).split('.')
  return { sign, whole, fraction }
}

function trim(decimal: string): string {
  const { sign, whole, fraction } = split(decimal)
  const [bare, rest] = [whole.replace(/^0+(?=\d)/, ''), fraction.replace(/0+$/, '')]
  const text = rest ? `${bare}.${rest}` : bare
  return text === '0' ? '0' : sign + text
}

function scaled(decimal: string): bigint {
  const { sign, whole, fraction } = split(decimal)
  const size = BigInt(whole + fraction.padEnd(PLACES, '0'))
  return sign ? -size : size
}
