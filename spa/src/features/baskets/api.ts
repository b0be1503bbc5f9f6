import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, must, patientFetch, type Schemas } from '@/lib/client'
import { keys } from '@/lib/queries'

/** A file as it was chosen: its bytes are kept, so that what is sent is what was checked. */
export interface Chosen {
  name: string
  content: ArrayBuffer
  clientBasketId: string
}

// The bytes go as they are: the API reads the encodings of spreadsheets.
const csv = (content: ArrayBuffer) => ({
  body: content as unknown as string,
  bodySerializer: (body: unknown) => body as ArrayBuffer,
  headers: { 'Content-Type': 'text/csv' },
})

/** Judge a file: nothing is stored or sent. */
export function useCheckBasket() {
  return useMutation({
    mutationFn: ({ content, allowDuplicates }: { content: ArrayBuffer; allowDuplicates: boolean }) =>
      must(api().POST('/api/v1/orders/basket', { ...csv(content), params: { query: { dry_run: true, allow_duplicates: allowDuplicates } } })) as Promise<
        Schemas['BasketCheck']
      >,
    retry: false,
  })
}

/** Send a file. Never repeated by itself: a person repeats it, with the same `client_basket_id`. */
export function useSendBasket() {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: ({ chosen, allowDuplicates }: { chosen: Chosen; allowDuplicates: boolean }) =>
      must(
        api().POST('/api/v1/orders/basket', {
          ...csv(chosen.content),
          params: { query: { client_basket_id: chosen.clientBasketId, allow_duplicates: allowDuplicates } },
          fetch: patientFetch,
        }),
      ) as Promise<Schemas['BasketResults']>,
    retry: false,
    onSettled: () => void queryClient.invalidateQueries({ queryKey: keys.baskets }),
  })
}

/** Send what never left of a stored basket. */
export function useResumeBasket() {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: ({ id, confirm }: { id: string; confirm: Schemas['LimitCode'][] }) =>
      must(
        api().POST('/api/v1/orders/baskets/{basket_id}/resume', {
          params: { path: { basket_id: id } },
          body: confirm.length ? { confirm } : {},
          fetch: patientFetch,
        }),
      ),
    retry: false,
    onSettled: () => void queryClient.invalidateQueries({ queryKey: keys.baskets }),
  })
}

const RECENT = 20

/** The latest baskets of the user. */
export function useBaskets() {
  return useQuery({
    queryKey: [...keys.baskets, 'latest'],
    queryFn: () => must(api().GET('/api/v1/orders/baskets', { params: { query: { limit: RECENT } } })),
    select: (page: Schemas['BasketPage']) => page.items,
  })
}

const getBasket = (id: string) => must(api().GET('/api/v1/orders/baskets/{basket_id}', { params: { path: { basket_id: id } } }))

/** One basket with its orders; events of orders ask for it again. */
export function useBasket(id: MaybeRefOrGetter<string>) {
  return useQuery(computed(() => ({ queryKey: [...keys.baskets, toValue(id)], queryFn: () => getBasket(toValue(id)), retry: false })))
}

const PROGRESS_MILLISECONDS = 1_500

/** How many rows of a basket that is being sent have an order; nothing is asked while the name is null. */
export function useProgress(clientBasketId: MaybeRefOrGetter<string | null>) {
  return useQuery(
    computed(() => ({
      queryKey: ['basket-progress', toValue(clientBasketId)],
      queryFn: async (): Promise<number> => {
        const { items } = await must(api().GET('/api/v1/orders/baskets', { params: { query: { limit: RECENT } } }))
        const known = items.find((basket) => basket.client_basket_id === toValue(clientBasketId))
        return known ? (await getBasket(known.id)).items.filter(({ order }) => order !== null).length : 0
      },
      enabled: toValue(clientBasketId) !== null,
      refetchInterval: PROGRESS_MILLISECONDS,
      retry: false,
    })),
  )
}

/** The file to begin with; it is behind the sign-in, so a plain link would not do. */
export const fetchTemplate = (): Promise<Blob> => must(api().GET('/api/v1/orders/basket/template', { parseAs: 'blob' }))
