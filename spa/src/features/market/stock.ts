/** What brokers know of a stock besides its price, and where it is asked. */

import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, must, type Schemas } from '@/lib/client'
import { keys, offersAround, pauseAfter, useAccounts, useBrokers } from '@/lib/queries'
import type { Source } from './api'

const HOUR = 3_600_000
// One call of a broker for all rows.
const RANKING_MILLISECONDS: Record<Schemas['Environment'], number> = { sandbox: 5_000, real: 10_000, paper: 30_000 }
// One call for each stock, beside what the ticket and the chart need.
const QUOTES_MILLISECONDS = { least: 4_000, perItem: 250 }
const TRUST: readonly Schemas['Environment'][] = ['real', 'paper', 'sandbox']

/** The account whose market the pages show: the exchange's before the sandbox's, as the API chooses; and all that is offered there. */
export function useMarket() {
  const accounts = useAccounts()
  const brokers = useBrokers()
  const list = computed(() => accounts.data.value ?? [])
  const account = computed(() => [...list.value].sort((a, b) => TRUST.indexOf(a.environment) - TRUST.indexOf(b.environment))[0] ?? null)
  const offers = computed(() => (account.value ? offersAround(brokers.data.value, list.value, account.value) : []))
  return {
    accounts: list,
    account,
    isPending: computed(() => accounts.isPending.value || brokers.isPending.value),
    error: computed(() => accounts.error.value ?? brokers.error.value),
    refetch: () => Promise.all([accounts.refetch(), brokers.refetch()]),
    has: (inquiry: Schemas['Inquiry']) => offers.value.some(({ inquiries }) => inquiries.includes(inquiry)),
    intervals: computed(() => INTERVALS.filter((each) => offers.value.some(({ candle_intervals: offered }) => offered.includes(each)))),
    rankings: computed(() => new Set(offers.value.flatMap(({ rankings }) => rankings))),
  }
}

const INTERVALS: readonly Schemas['CandleInterval'][] = ['1m', '1d', '1w', '1mo', '1y']

/** A statement by year or quarter, newest first; it changes with a company's report. */
export function useFinancials(of: MaybeRefOrGetter<Source>, kind: MaybeRefOrGetter<Schemas['FinancialKind']>, period: MaybeRefOrGetter<Schemas['RatioPeriod']>) {
  return useQuery(
    computed(() => {
      const { symbol, accountId } = toValue(of)
      const path = { symbol, kind: toValue(kind) }
      const query = { period: toValue(period), account_id: accountId }
      return {
        queryKey: keys.financials(symbol, accountId, path.kind, query.period),
        queryFn: () => must(api().GET('/api/v1/instruments/{symbol}/financials/{kind}', { params: { path, query } })),
        staleTime: HOUR,
        retry: false,
      }
    }),
  )
}

/** Net buying by kinds of investors, newest day first; a day is counted after its close. */
export function useInvestors(of: MaybeRefOrGetter<Source>) {
  return useQuery(
    computed(() => {
      const { symbol, accountId } = toValue(of)
      return {
        queryKey: keys.investors(symbol, accountId),
        queryFn: () => must(api().GET('/api/v1/instruments/{symbol}/investors', { params: { path: { symbol }, query: { account_id: accountId } } })),
        staleTime: HOUR / 6,
        retry: false,
      }
    }),
  )
}

/** The firms whose opinions may be asked for; none while there is no account. */
export function useFirms(accountId: MaybeRefOrGetter<string>) {
  return useQuery(
    computed(() => {
      const id = toValue(accountId)
      return {
        queryKey: keys.firms(id),
        queryFn: () => must(api().GET('/api/v1/investment-opinions/firms', { params: { query: { account_id: id } } })),
        enabled: id !== '',
        staleTime: HOUR,
        retry: false,
      }
    }),
  )
}

/** A firm's opinions of the last month. */
export function useFirmOpinions(firm: MaybeRefOrGetter<string>, accountId: MaybeRefOrGetter<string>) {
  return useQuery(
    computed(() => {
      const query = { firm: toValue(firm), account_id: toValue(accountId) }
      return {
        queryKey: keys.firmOpinions(query.firm, query.account_id),
        queryFn: () => must(api().GET('/api/v1/investment-opinions', { params: { query } })),
        enabled: query.firm !== '' && query.account_id !== '',
        staleTime: HOUR / 6,
        retry: false,
      }
    }),
  )
}

/** Analysts' opinions of the last three months, newest first. */
export function useOpinions(of: MaybeRefOrGetter<Source>) {
  return useQuery(
    computed(() => {
      const { symbol, accountId } = toValue(of)
      return {
        queryKey: keys.opinions(symbol, accountId),
        queryFn: () => must(api().GET('/api/v1/instruments/{symbol}/opinions', { params: { path: { symbol }, query: { account_id: accountId } } })),
        staleTime: HOUR,
        retry: false,
      }
    }),
  )
}

/** A ranking of all markets, asked for again as long as somebody looks. */
export function useRanking(kind: MaybeRefOrGetter<Schemas['RankingKind']>, account: MaybeRefOrGetter<Schemas['Account']>) {
  return useQuery(
    computed(() => {
      const { id, environment } = toValue(account)
      const wanted = toValue(kind)
      return {
        queryKey: keys.ranking(wanted, id),
        queryFn: () => must(api().GET('/api/v1/rankings/{kind}', { params: { path: { kind: wanted }, query: { account_id: id } } })),
        refetchInterval: RANKING_MILLISECONDS[environment],
        retry: false,
      }
    }),
  )
}

/** Prices of several stocks at once, the slower the more there are. */
export function useQuotes(symbols: MaybeRefOrGetter<readonly string[]>) {
  return useQuery(
    computed(() => {
      const wanted = toValue(symbols)
      return {
        queryKey: keys.quotes(wanted.join()),
        queryFn: () => must(api().GET('/api/v1/quotes', { params: { query: { symbols: wanted.join() } } })),
        enabled: wanted.length > 0,
        refetchInterval: ({ state }: { state: { data?: Schemas['QuoteList'] | undefined } }) =>
          pauseAfter(state.data?.items ?? [], Math.max(QUOTES_MILLISECONDS.least, QUOTES_MILLISECONDS.perItem * wanted.length)),
        placeholderData: keepPreviousData,
        retry: false,
        select: (list: Schemas['QuoteList']) => list.items,
      }
    }),
  )
}

/** How far a target price lies from the price now, in percent of it; null where one of them is missing. */
export const gapOf = (targetPrice: number | null, price: number | null): number | null =>
  targetPrice === null || !price ? null : ((targetPrice - price) / price) * 100
