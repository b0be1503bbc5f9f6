import { keepPreviousData, useMutation, useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, must, type Schemas } from '@/lib/client'
import { keys, pauseAfter } from '@/lib/queries'

const QUOTE_MILLISECONDS = 3_000
const BUYING_POWER_MILLISECONDS = 10_000

/** Stocks whose code or name fits what was typed. */
export function useInstrumentSearch(text: MaybeRefOrGetter<string>) {
  return useQuery(
    computed(() => {
      const query = toValue(text).trim()
      return {
        queryKey: keys.instrumentSearch(query),
        queryFn: () => must(api().GET('/api/v1/instruments', { params: { query: { query, limit: 12 } } })),
        enabled: query !== '',
        staleTime: 60_000,
        placeholderData: keepPreviousData,
        select: (page: Schemas['InstrumentPage']) => page.items,
      }
    }),
  )
}

/** The current price in the account's market, asked for again as long as somebody looks. */
export function useQuote(symbol: MaybeRefOrGetter<string>, accountId: MaybeRefOrGetter<string>) {
  return useQuery(
    computed(() => {
      const wanted = toValue(symbol)
      const account = toValue(accountId)
      return {
        queryKey: keys.quote(wanted, account),
        queryFn: async () => {
          const query = { symbols: wanted, ...(account ? { account_id: account } : {}) }
          const { items } = await must(api().GET('/api/v1/quotes', { params: { query } }))
          return items[0] ?? null
        },
        enabled: wanted !== '',
        refetchInterval: ({ state }: { state: { data?: Schemas['Quote'] | null | undefined } }) => pauseAfter([state.data ?? null], QUOTE_MILLISECONDS),
        staleTime: QUOTE_MILLISECONDS / 2,
        retry: false,
      }
    }),
  )
}

interface BuyingPowerOf {
  accountId: string
  symbol: string
  limitPrice: number | null
}

/** What the account may buy of the stock; nothing is asked while `of` is null. */
export function useBuyingPower(of: MaybeRefOrGetter<BuyingPowerOf | null>) {
  return useQuery(
    computed(() => {
      const { accountId, symbol, limitPrice } = toValue(of) ?? { accountId: '', symbol: '', limitPrice: null }
      return {
        queryKey: keys.buyingPower(accountId, symbol, limitPrice),
        queryFn: () =>
          must(
            api().GET('/api/v1/accounts/{account_id}/buying-power', {
              params: { path: { account_id: accountId }, query: { symbol, ...(limitPrice === null ? {} : { limit_price: limitPrice }) } },
            }),
          ),
        enabled: accountId !== '' && symbol !== '',
        staleTime: BUYING_POWER_MILLISECONDS,
        retry: false,
        // Another price shifts the figure a little; another stock or account makes it wrong.
        placeholderData: (before: Schemas['BuyingPower'] | undefined) =>
          before?.account_id === accountId && before.symbol === symbol ? before : undefined,
      }
    }),
  )
}

/** Send an order. Never repeated by itself: a person repeats it, with the same `client_order_id`. */
export function usePlaceOrder() {
  return useMutation({ mutationFn: (order: Schemas['PlaceOrder']) => must(api().POST('/api/v1/orders', { body: order })), retry: false })
}
