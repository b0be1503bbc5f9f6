/**
 * The order book of this browser: all open orders, the latest others, each in its newest known version, under one key of the query cache.
 *
 * Answers and events both go in by version, so it does not matter which comes first. Events that come before the first load wait in `early`.
 */

import { type QueryClient, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, must, type Schemas } from '@/lib/client'
import { keys } from '@/lib/queries'
import { mergeNewer } from '@/lib/versions'

export type Order = Schemas['Order']
export type Fill = Schemas['Fill']

export interface Book {
  orders: Record<string, Order>
  nextCursor: string | null
}

const PAGE = 100
const OPEN_PAGE = 500
const EMPTY: Book = { orders: {}, nextCursor: null }
const TERMINAL: ReadonlySet<Order['status']> = new Set(['filled', 'canceled', 'rejected', 'expired'])

let early: Record<string, Order> = {}

export const isOpen = (order: Order): boolean => !TERMINAL.has(order.status)

export function useBook() {
  const queryClient = useQueryClient()
  const query = useQuery({
    queryKey: keys.orders,
    queryFn: () => load(queryClient),
    staleTime: 0,
    gcTime: Infinity,
    refetchOnMount: 'always',
    refetchOnWindowFocus: false,
  })
  const orders = computed(() => Object.values(query.data.value?.orders ?? {}).sort(latestFirst))
  const fills = computed(() =>
    orders.value.flatMap((order) => order.fills).sort((a, b) => b.executed_at.localeCompare(a.executed_at) || b.id.localeCompare(a.id)),
  )
  const loadMore = async () => {
    const cursor = query.data.value?.nextCursor
    if (!cursor) return
    const page = await must(api().GET('/api/v1/orders', { params: { query: { limit: PAGE, cursor } } }))
    put(queryClient, page.items, page.next_cursor)
  }
  return { query, orders, fills, hasMore: computed(() => query.data.value?.nextCursor != null), loadMore }
}

/** Put orders in that an event or an answer brought. */
export function applyOrders(queryClient: QueryClient, orders: readonly Order[]): void {
  if (queryClient.getQueryData(keys.orders)) put(queryClient, orders)
  else early = mergeNewer(early, orders)
}

/** Another user signs in: nothing of the one before stays. */
export function clearBook(): void {
  early = {}
}

function put(queryClient: QueryClient, orders: readonly Order[], nextCursor?: string | null): void {
  queryClient.setQueryData<Book>(keys.orders, (book = EMPTY) => {
    const merged = mergeNewer(book.orders, orders)
    return merged === book.orders && nextCursor === undefined ? book : { orders: merged, nextCursor: nextCursor === undefined ? book.nextCursor : nextCursor }
  })
}

async function load(queryClient: QueryClient): Promise<Book> {
  const [latest, open] = await Promise.all([must(api().GET('/api/v1/orders', { params: { query: { limit: PAGE } } })), allOpen()])
  // What came while the answers were under way may be newer than they are.
  const known = mergeNewer(queryClient.getQueryData<Book>(keys.orders)?.orders ?? {}, Object.values(early))
  early = {}
  return { orders: mergeNewer(known, [...latest.items, ...open]), nextCursor: latest.next_cursor }
}

async function allOpen(): Promise<Order[]> {
  const orders: Order[] = []
  let cursor: string | null = null
  do {
    const query: { status: string[]; limit: number; cursor?: string } = { status: ['open'], limit: OPEN_PAGE, ...(cursor ? { cursor } : {}) }
    const page: Schemas['OrderPage'] = await must(api().GET('/api/v1/orders', { params: { query } }))
    orders.push(...page.items)
    cursor = page.next_cursor
  } while (cursor)
  return orders
}

const latestFirst = (a: Order, b: Order): number => b.created_at.localeCompare(a.created_at) || b.id.localeCompare(a.id)
