import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, must, type Schemas } from '@/lib/client'
import { saveFile } from '@/lib/download'
import { keys } from '@/lib/queries'
import { applyBlocks } from './blocks'

/** What the fund holds, or ever traded through Lucy; nothing is asked while `fundId` is empty. */
export function useFundPositions(fundId: MaybeRefOrGetter<string>) {
  return useQuery(
    computed(() => ({
      queryKey: keys.fundPositions(toValue(fundId)),
      queryFn: () => must(api().GET('/api/v1/funds/{fund_id}/positions', { params: { path: { fund_id: toValue(fundId) } } })),
      select: (list: Schemas['FundPositionList']) => list.items,
      enabled: toValue(fundId) !== '',
    })),
  )
}

/** Calls that change funds; whatever depends on funds is loaded again after each. */
export function useFundActions() {
  const queryClient = useQueryClient()
  const stale = [keys.funds, keys.allFundPositions, keys.plans, keys.allBlockPreviews]
  const onSettled = () => Promise.all(stale.map((queryKey) => queryClient.invalidateQueries({ queryKey })))
  const of = (id: string) => ({ params: { path: { fund_id: id } } })
  return {
    create: useMutation({ mutationFn: (body: Schemas['CreateFund']) => must(api().POST('/api/v1/funds', { body })), onSettled }),
    change: useMutation({
      mutationFn: ({ id, body }: { id: string; body: Schemas['ChangeFund'] }) => must(api().PATCH('/api/v1/funds/{fund_id}', { ...of(id), body })),
      onSettled,
    }),
    putMembers: useMutation({
      mutationFn: ({ id, members }: { id: string; members: Schemas['Member'][] }) =>
        must(api().PUT('/api/v1/funds/{fund_id}/members', { ...of(id), body: { members } })),
      onSettled,
    }),
    remove: useMutation({ mutationFn: (id: string) => must(api().DELETE('/api/v1/funds/{fund_id}', of(id))), onSettled }),
  }
}

export function usePlans() {
  return useQuery({
    queryKey: keys.plans,
    queryFn: () => must(api().GET('/api/v1/allocation-plans')),
    select: (page: Schemas['PlanPage']) => page.items,
  })
}

/** Calls that change plans. */
export function usePlanActions() {
  const queryClient = useQueryClient()
  const onSettled = () => queryClient.invalidateQueries({ queryKey: keys.plans })
  const of = (id: string) => ({ params: { path: { plan_id: id } } })
  return {
    save: useMutation({
      mutationFn: ({ id, body }: { id: string | null; body: Schemas['CreatePlan'] }) =>
        id === null ? must(api().POST('/api/v1/allocation-plans', { body })) : must(api().PATCH('/api/v1/allocation-plans/{plan_id}', { ...of(id), body })),
      onSettled,
    }),
    remove: useMutation({ mutationFn: (id: string) => must(api().DELETE('/api/v1/allocation-plans/{plan_id}', of(id))), onSettled }),
  }
}

const PREVIEW_MILLISECONDS = 5_000

/** What the block would do now; nothing is asked while `request` is null. `version` is the plan's: a changed one is asked about anew. */
export function usePreview(request: MaybeRefOrGetter<Schemas['PlaceBlock'] | null>, version: MaybeRefOrGetter<string>) {
  return useQuery(
    computed(() => {
      const body = toValue(request)
      return {
        queryKey: keys.blockPreview(body, toValue(version)),
        queryFn: () => must(api().POST('/api/v1/block-orders/preview', { body: body as Schemas['PlaceBlock'] })),
        enabled: body !== null,
        staleTime: PREVIEW_MILLISECONDS, // it asks the accounts' brokers
        gcTime: 60_000,
        placeholderData: keepPreviousData,
        retry: false,
      }
    }),
  )
}

/** Calls that place and change blocks. Never repeated by themselves: a person repeats a placing, with the same `client_order_id`. */
export function useBlockActions() {
  const queryClient = useQueryClient()
  const onSuccess = (block: Schemas['BlockOrder']) => applyBlocks(queryClient, [block])
  const onSettled = () => Promise.all([keys.funds, keys.allFundPositions, keys.allBlockPreviews].map((queryKey) => queryClient.invalidateQueries({ queryKey })))
  const of = (id: string) => ({ params: { path: { block_id: id } } })
  return {
    place: useMutation({
      mutationFn: (body: Schemas['PlaceBlock']) => must(api().POST('/api/v1/block-orders', { body })),
      onSuccess,
      onSettled,
      retry: false,
    }),
    replace: useMutation({
      mutationFn: ({ id, limitPrice }: { id: string; limitPrice: number }) =>
        must(api().PATCH('/api/v1/block-orders/{block_id}', { ...of(id), body: { limit_price: limitPrice } })),
      onSuccess,
      retry: false,
    }),
    cancel: useMutation({ mutationFn: (id: string) => must(api().POST('/api/v1/block-orders/{block_id}/cancel', of(id))), onSuccess, retry: false }),
  }
}

/** The allocation report of all blocks of a Seoul day; nothing is asked while `day` is empty. */
export function useAllocation(day: MaybeRefOrGetter<string>) {
  return useQuery(
    computed(() => ({
      queryKey: keys.allocation(toValue(day)),
      queryFn: () => must(api().GET('/api/v1/allocation-reports', { params: { query: { day: toValue(day) } } })),
      enabled: toValue(day) !== '',
    })),
  )
}

export type ReportOf = { blockId: string } | { day: string }

/** Fetch a report as a file, signed in as every call, and hand it to the browser. */
export function useAllocationFile() {
  return useMutation({
    mutationFn: async ({ of, format }: { of: ReportOf; format: 'csv' | 'xlsx' }) => {
      const name = `allocation-${'blockId' in of ? of.blockId : of.day}.${format}`
      saveFile(await load(of, format), name)
    },
  })
}

function load(of: ReportOf, format: 'csv' | 'xlsx'): Promise<Blob> {
  if ('blockId' in of) {
    const options = { params: { path: { block_id: of.blockId } }, parseAs: 'blob' } as const
    return format === 'csv'
      ? must(api().GET('/api/v1/block-orders/{block_id}/allocation-report/csv', options))
      : must(api().GET('/api/v1/block-orders/{block_id}/allocation-report/xlsx', options))
  }
  const options = { params: { query: { day: of.day } }, parseAs: 'blob' } as const
  return format === 'csv' ? must(api().GET('/api/v1/allocation-reports/csv', options)) : must(api().GET('/api/v1/allocation-reports/xlsx', options))
}
