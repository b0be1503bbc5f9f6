import { useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, must, type Schemas } from '@/lib/client'
import { keys } from '@/lib/queries'

// Asked only while the page is visible. Paper keys may call once or twice a second in all: the ticket needs its share.
const BOOK_MILLISECONDS: Record<Schemas['Environment'], number> = { sandbox: 1_000, real: 1_500, paper: 6_000 }
// A day of minutes is some twenty calls at KIS, anything longer one or two.
const BARS_MILLISECONDS = { minutes: 60_000, longer: 20_000 }

/** A stock as one account's broker tells of it; nothing is asked while it is null. */
export interface Source {
  symbol: string
  accountId: string
  environment: Schemas['Environment']
}

const NOTHING: Source = { symbol: '', accountId: '', environment: 'sandbox' }

/** The order book, asked for again as long as somebody looks. */
export function useBook(of: MaybeRefOrGetter<Source | null>) {
  return useQuery(
    computed(() => {
      const { symbol, accountId, environment } = toValue(of) ?? NOTHING
      return {
        queryKey: keys.book(symbol, accountId),
        queryFn: () => must(api().GET('/api/v1/quotes/{symbol}/book', { params: { path: { symbol }, query: { account_id: accountId } } })),
        enabled: symbol !== '',
        refetchInterval: BOOK_MILLISECONDS[environment],
        retry: false,
      }
    }),
  )
}

/** Bars of a chart; the API chooses how far back, some 120 of them. */
export function useCandles(of: MaybeRefOrGetter<Source | null>, interval: MaybeRefOrGetter<Schemas['CandleInterval']>) {
  return useQuery(
    computed(() => {
      const { symbol, accountId, environment } = toValue(of) ?? NOTHING
      const wanted = toValue(interval)
      const pause = wanted === '1m' || environment === 'paper' ? BARS_MILLISECONDS.minutes : BARS_MILLISECONDS.longer
      return {
        queryKey: keys.candles(symbol, accountId, wanted),
        queryFn: () =>
          must(api().GET('/api/v1/candles/{symbol}', { params: { path: { symbol }, query: { interval: wanted, account_id: accountId } } })),
        enabled: symbol !== '',
        refetchInterval: pause,
        staleTime: pause / 2,
        retry: false,
      }
    }),
  )
}
