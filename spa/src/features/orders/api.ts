import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, must, type Schemas } from '@/lib/client'
import { keys } from '@/lib/queries'
import { applyOrders, type Order } from './book'

export function useReplaceOrder() {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: ({ id, change }: { id: string; change: Schemas['ReplaceOrder'] }) =>
      must(api().PATCH('/api/v1/orders/{order_id}', { params: { path: { order_id: id } }, body: change })),
    onSuccess: (order) => applyOrders(queryClient, [order]),
  })
}

export function useCancelOrder() {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: (id: string) => must(api().DELETE('/api/v1/orders/{order_id}', { params: { path: { order_id: id } } })),
    onSuccess: (order) => applyOrders(queryClient, [order]),
  })
}

export function useCancelAll() {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: (accountId: string | null) => must(api().POST('/api/v1/orders/cancel-all', { body: { account_id: accountId } })),
    onSuccess: ({ items }) => applyOrders(queryClient, items.flatMap(({ order }) => order ?? [])),
  })
}

/** One order that the book may not hold, such as an older one opened by its address. */
export function useOrder(id: MaybeRefOrGetter<string>, isKnown: MaybeRefOrGetter<boolean>) {
  const queryClient = useQueryClient()
  return useQuery(
    computed(() => ({
      queryKey: ['order', toValue(id)],
      queryFn: async (): Promise<Order> => {
        const order = await must(api().GET('/api/v1/orders/{order_id}', { params: { path: { order_id: toValue(id) } } }))
        applyOrders(queryClient, [order])
        return order
      },
      enabled: !toValue(isKnown),
      retry: false,
    })),
  )
}

/** The history of an order; asked for again with each version. */
export function useHistory(id: MaybeRefOrGetter<string>, version: MaybeRefOrGetter<number>) {
  return useQuery(
    computed(() => ({
      queryKey: [...keys.orderHistory(toValue(id)), toValue(version)],
      queryFn: () => must(api().GET('/api/v1/orders/{order_id}/history', { params: { path: { order_id: toValue(id) } } })),
      placeholderData: (before: Schemas['OrderHistory'] | undefined) => (before?.order_id === toValue(id) ? before : undefined),
    })),
  )
}
