import { keepPreviousData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, must, type Schemas } from '@/lib/client'
import { keys, pauseAfter } from '@/lib/queries'

const HOLDINGS_MILLISECONDS = 15_000
// Every item is a call under the brokers' limits, which the ticket and the chart need too. Asked only while the page is visible.
const QUOTES_MILLISECONDS = { least: 4_000, perItem: 250 }
const ALERTS_AT_ONCE = 30

export function useWatchlists() {
  return useQuery({
    queryKey: keys.watchlists,
    queryFn: () => must(api().GET('/api/v1/watchlists')),
    select: (page: Schemas['WatchlistPage']) => page.items,
  })
}

const of = (id: string) => ({ params: { path: { watchlist_id: id } } })

/** A list with its items; holdings are read again from time to time, and after each fill. */
export function useWatchlist(id: MaybeRefOrGetter<string>) {
  return useQuery(
    computed(() => ({
      queryKey: keys.watchlist(toValue(id)),
      queryFn: () => must(api().GET('/api/v1/watchlists/{watchlist_id}', of(toValue(id)))),
      enabled: toValue(id) !== '',
      refetchInterval: (query: { state: { data?: Schemas['WatchlistDetail'] | undefined } }) =>
        query.state.data?.kind === 'held' ? HOLDINGS_MILLISECONDS : (false as const),
    })),
  )
}

/** Prices of the list's items, the slower the longer the list. A changed list is asked for at once; its old prices stay meanwhile. */
export function useWatchQuotes(id: MaybeRefOrGetter<string>, symbols: MaybeRefOrGetter<readonly string[]>) {
  return useQuery(
    computed(() => {
      const wanted = toValue(symbols)
      return {
        queryKey: [...keys.watchQuotes(toValue(id)), [...wanted].sort().join()],
        queryFn: () => must(api().GET('/api/v1/watchlists/{watchlist_id}/quotes', of(toValue(id)))),
        enabled: wanted.length > 0,
        refetchInterval: ({ state }: { state: { data?: Schemas['WatchQuoteList'] | undefined } }) =>
          pauseAfter(
            (state.data?.items ?? []).map(({ quote }) => quote),
            Math.max(QUOTES_MILLISECONDS.least, QUOTES_MILLISECONDS.perItem * wanted.length),
          ),
        placeholderData: keepPreviousData,
        retry: false,
      }
    }),
  )
}

export function useWatchAlerts() {
  return useInfiniteQuery({
    queryKey: keys.watchAlerts,
    queryFn: ({ pageParam }: { pageParam: string | null }) =>
      must(api().GET('/api/v1/watchlists/alerts', { params: { query: { limit: ALERTS_AT_ONCE, ...(pageParam ? { cursor: pageParam } : {}) } } })),
    initialPageParam: null as string | null,
    getNextPageParam: (page: Schemas['WatchAlertPage']) => page.next_cursor,
  })
}

/** Calls that change lists and items; what they change is loaded again after each. */
export function useWatchActions() {
  const queryClient = useQueryClient()
  const onSettled = () => Promise.all([keys.watchlists, keys.allWatchlists].map((queryKey) => queryClient.invalidateQueries({ queryKey })))
  const at = (id: string, symbol: string) => ({ params: { path: { watchlist_id: id, symbol } } })
  return {
    create: useMutation({ mutationFn: (body: Schemas['CreateWatchlist']) => must(api().POST('/api/v1/watchlists', { body })), onSettled }),
    rename: useMutation({
      mutationFn: ({ id, name }: { id: string; name: string }) => must(api().PATCH('/api/v1/watchlists/{watchlist_id}', { ...of(id), body: { name } })),
      onSettled,
    }),
    remove: useMutation({ mutationFn: (id: string) => must(api().DELETE('/api/v1/watchlists/{watchlist_id}', of(id))), onSettled }),
    addItem: useMutation({
      mutationFn: ({ id, symbol }: { id: string; symbol: string }) =>
        must(api().POST('/api/v1/watchlists/{watchlist_id}/items', { ...of(id), body: { symbol } })),
      onSettled,
    }),
    changeItem: useMutation({
      mutationFn: ({ id, symbol, body }: { id: string; symbol: string; body: Schemas['ChangeWatchItem'] }) =>
        must(api().PATCH('/api/v1/watchlists/{watchlist_id}/items/{symbol}', { ...at(id, symbol), body })),
      onSettled,
    }),
    removeItem: useMutation({
      mutationFn: ({ id, symbol }: { id: string; symbol: string }) =>
        must(api().DELETE('/api/v1/watchlists/{watchlist_id}/items/{symbol}', at(id, symbol))),
      onSettled,
    }),
  }
}
