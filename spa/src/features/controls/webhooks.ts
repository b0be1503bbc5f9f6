import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, must, type Schemas } from '@/lib/client'
import { keys } from '@/lib/queries'

export const EVENTS = ['order', 'fill', 'block_order', 'stream', 'job', 'alert', 'watch_alert'] as const

const REFRESH_MILLISECONDS = 5_000

export function useWebhooks() {
  return useQuery({
    queryKey: keys.webhooks,
    queryFn: () => must(api().GET('/api/v1/webhooks')),
    select: (page: Schemas['WebhookPage']) => page.items,
    refetchInterval: REFRESH_MILLISECONDS,
  })
}

/** The log of a webhook, newest attempts first. */
export function useDeliveries(webhookId: MaybeRefOrGetter<string>) {
  return useInfiniteQuery(
    computed(() => ({
      queryKey: keys.deliveries(toValue(webhookId)),
      queryFn: ({ pageParam }: { pageParam: string | null }) =>
        must(
          api().GET('/api/v1/webhooks/{webhook_id}/deliveries', {
            params: { path: { webhook_id: toValue(webhookId) }, query: pageParam ? { cursor: pageParam } : {} },
          }),
        ),
      initialPageParam: null as string | null,
      getNextPageParam: (page: Schemas['WebhookDeliveryPage']) => page.next_cursor,
    })),
  )
}

/** Calls that change webhooks or send something; list and logs are loaded again after each. */
export function useWebhookActions() {
  const queryClient = useQueryClient()
  const onSettled = () => Promise.all([keys.webhooks, keys.allDeliveries].map((queryKey) => queryClient.invalidateQueries({ queryKey })))
  const of = (id: string) => ({ params: { path: { webhook_id: id } } })
  return {
    create: useMutation({ mutationFn: (body: Schemas['CreateWebhook']) => must(api().POST('/api/v1/webhooks', { body })), onSettled }),
    change: useMutation({
      mutationFn: ({ id, body }: { id: string; body: Schemas['ChangeWebhook'] }) => must(api().PATCH('/api/v1/webhooks/{webhook_id}', { ...of(id), body })),
      onSettled,
    }),
    remove: useMutation({ mutationFn: (id: string) => must(api().DELETE('/api/v1/webhooks/{webhook_id}', of(id))), onSettled }),
    rotate: useMutation({ mutationFn: (id: string) => must(api().POST('/api/v1/webhooks/{webhook_id}/rotate-secret', of(id))), onSettled }),
    test: useMutation({ mutationFn: (id: string) => must(api().POST('/api/v1/webhooks/{webhook_id}/test', of(id))), onSettled }),
    retry: useMutation({
      mutationFn: ({ id, deliveryId }: { id: string; deliveryId: string }) =>
        must(api().POST('/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/retry', { params: { path: { webhook_id: id, delivery_id: deliveryId } } })),
      onSettled,
    }),
  }
}
