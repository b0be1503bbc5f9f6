/** The screener's filters and their place in the page's address, so that a screen can be shared as a link. */

import type { operations } from '@/lib/schema'

export type ScreenQuery = NonNullable<operations['screenThemeStocks']['parameters']['query']>
type Sort = NonNullable<ScreenQuery['sort']>

export const FIGURES = ['price', 'change_pct', 'change_3d_pct', 'market_cap', 'per', 'pbr', 'neglect_52w', 'expected_return_pct', 'volume_index_day_pct', 'volume_index_7d_pct'] as const
export const SORTS = ['market_cap', 'change_pct', 'change_3d_pct', 'price', 'per', 'pbr', 'neglect_52w', 'expected_return_pct', 'volume_index_day_pct', 'volume_index_7d_pct', 'buffett_rank', 'name'] as const satisfies readonly Sort[]
export type Figure = (typeof FIGURES)[number]

const KRW_100M = 100_000_000
const IN_100M: ReadonlySet<Figure> = new Set(['market_cap']) // typed and shared in hundreds of millions of won, as people say it

export interface Screen {
  market: '' | 'KOSPI' | 'KOSDAQ'
  query: string
  theme: number | null
  sort: Sort
  descending: boolean
  bounds: Record<string, number> // `per_min` and the like, in the unit that is typed
}

export const EVERYTHING: Screen = { market: '', query: '', theme: null, sort: 'market_cap', descending: true, bounds: {} }

type Address = Record<string, unknown>

/** The screen that an address says; what is no filter is left out. */
export function screenOf(address: Address): Screen {
  const text = (name: string) => (typeof address[name] === 'string' ? address[name] : '')
  const number = (name: string) => (text(name).trim() !== '' && Number.isFinite(Number(text(name))) ? Number(text(name)) : null)
  const bounds = Object.fromEntries(
    FIGURES.flatMap((figure) => [`${figure}_min`, `${figure}_max`]).flatMap((name) => {
      const value = number(name)
      return value === null ? [] : [[name, value] as const]
    }),
  )
  const theme = number('theme')
  return {
    market: text('market') === 'KOSPI' ? 'KOSPI' : text('market') === 'KOSDAQ' ? 'KOSDAQ' : '',
    query: text('query').slice(0, 40),
    theme: theme !== null && Number.isInteger(theme) && theme >= 0 ? theme : null,
    sort: SORTS.find((sort) => sort === text('sort')) ?? EVERYTHING.sort,
    descending: text('order') !== 'asc',
    bounds,
  }
}

/** The address of a screen, without what is as it always is. */
export function addressOf(screen: Screen): Record<string, string> {
  return {
    ...(screen.market ? { market: screen.market } : {}),
    ...(screen.query ? { query: screen.query } : {}),
    ...(screen.theme === null ? {} : { theme: String(screen.theme) }),
    ...(screen.sort === EVERYTHING.sort ? {} : { sort: screen.sort }),
    ...(screen.descending ? {} : { order: 'asc' }),
    ...Object.fromEntries(Object.entries(screen.bounds).map(([name, value]) => [name, String(value)])),
  }
}

/** What the API is asked. */
export function queryOf(screen: Screen): ScreenQuery {
  const bounds = Object.entries(screen.bounds).map(([name, value]) => [name, IN_100M.has(name.replace(/_(min|max)$/, '') as Figure) ? value * KRW_100M : value])
  return {
    ...(screen.market ? { market: screen.market } : {}),
    ...(screen.query ? { query: screen.query } : {}),
    ...(screen.theme === null ? {} : { theme_idx: screen.theme }),
    sort: screen.sort,
    descending: screen.descending,
    ...(Object.fromEntries(bounds) as Record<string, number>),
  }
}
