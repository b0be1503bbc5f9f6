import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { applyOrders } from '@/features/orders/book'
import { api, must, type Schemas } from '@/lib/client'
import { keys } from '@/lib/queries'

/** The broker's side of an order of unknown outcome; the list is read anew with each call. */
export function useEvidence(orderId: MaybeRefOrGetter<string>) {
  return useQuery(
    computed(() => ({
      queryKey: keys.evidence(toValue(orderId)),
      queryFn: () => must(api().GET('/api/v1/orders/{order_id}/evidence', { params: { path: { order_id: toValue(orderId) } } })),
      refetchOnWindowFocus: false,
      retry: false,
    })),
  )
}

export function useResolve() {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: ({ id, decision }: { id: string; decision: Schemas['ResolveOrder'] }) =>
      must(api().POST('/api/v1/orders/{order_id}/resolve', { params: { path: { order_id: id } }, body: decision })),
    onSuccess: (order) => applyOrders(queryClient, [order]),
  })
}

/** The states above the accounts; only admins may read them. */
export function useTradingStates(isAdmin: MaybeRefOrGetter<boolean>) {
  return useQuery(
    computed(() => ({
      queryKey: keys.tradingStates,
      queryFn: () => must(api().GET('/api/v1/trading-states')),
      select: (list: Schemas['TradingStateList']) => list.items,
      enabled: toValue(isAdmin),
    })),
  )
}

/** Whose trading state: all, a broker's, an account's, or a fund's. */
export type Level = { kind: 'global' } | { kind: 'broker'; broker: Schemas['Broker'] } | { kind: 'account'; account: Schemas['Account'] } | { kind: 'fund'; fund: Schemas['Fund'] }

export function useSetTradingState() {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: async ({ level, change }: { level: Level; change: Schemas['PutTradingState'] }): Promise<Schemas['Cancellations'] | null> => {
      if (level.kind === 'account') {
        await must(api().PUT('/api/v1/accounts/{account_id}/kill-switch', { params: { path: { account_id: level.account.id } }, body: change }))
        return null
      }
      if (level.kind === 'fund') {
        await must(api().PUT('/api/v1/funds/{fund_id}/kill-switch', { params: { path: { fund_id: level.fund.id } }, body: change }))
        return null
      }
      const answer =
        level.kind === 'global'
          ? await must(api().PUT('/api/v1/trading-states/global', { body: change }))
          : await must(api().PUT('/api/v1/trading-states/brokers/{broker}', { params: { path: { broker: level.broker } }, body: change }))
      return answer.canceled ?? null
    },
    onSettled: () => Promise.all([keys.accounts, keys.funds, keys.tradingStates].map((queryKey) => queryClient.invalidateQueries({ queryKey }))),
  })
}

/** Whose limits: `account:<id>` or `user:<id>`. */
export type Owner = { kind: 'account' | 'user'; id: string }

export function useLimits(owner: MaybeRefOrGetter<Owner | null>) {
  return useQuery(
    computed(() => {
      const { kind, id } = toValue(owner) ?? { kind: 'account', id: '' }
      return {
        queryKey: keys.riskLimits(kind, id),
        queryFn: () =>
          kind === 'account'
            ? must(api().GET('/api/v1/accounts/{account_id}/risk-limits', { params: { path: { account_id: id } } }))
            : must(api().GET('/api/v1/users/{user_id}/risk-limits', { params: { path: { user_id: id } } })),
        enabled: id !== '',
        retry: false,
      }
    }),
  )
}

export function usePutLimits() {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: ({ owner: { kind, id }, limits }: { owner: Owner; limits: Schemas['PutRiskLimits'] }) =>
      kind === 'account'
        ? must(api().PUT('/api/v1/accounts/{account_id}/risk-limits', { params: { path: { account_id: id } }, body: limits }))
        : must(api().PUT('/api/v1/users/{user_id}/risk-limits', { params: { path: { user_id: id } }, body: limits })),
    onSuccess: (limits, { owner: { kind, id } }) => queryClient.setQueryData(keys.riskLimits(kind, id), limits),
  })
}

/** The reports of a day; null: today, compared now. */
export function useReports(day: MaybeRefOrGetter<string | null>) {
  return useQuery(
    computed(() => {
      const of = toValue(day)
      return {
        queryKey: keys.reports(of),
        queryFn: () => must(api().GET('/api/v1/reconciliation-reports', { params: { query: of ? { day: of } : {} } })),
        select: (list: Schemas['ReconciliationReportList']) => list.items,
        refetchOnWindowFocus: false,
        staleTime: 60_000, // it asks every broker
      }
    }),
  )
}

export interface AuditFilter {
  action: string
  subject: string
  from: string
  to: string
}

export async function loadAudit({ action, subject, from, to }: AuditFilter, cursor: string | null): Promise<Schemas['AuditPage']> {
  const query = {
    ...(action ? { action } : {}),
    ...(subject ? { subject } : {}),
    ...(from ? { from: startOfDay(from) } : {}),
    ...(to ? { to: startOfDay(nextDay(to)) } : {}),
    ...(cursor ? { cursor } : {}),
  }
  return must(api().GET('/api/v1/audit', { params: { query } }))
}

export function useVerifyAudit() {
  return useMutation({ mutationFn: () => must(api().GET('/api/v1/audit/verify')) })
}

const startOfDay = (day: string): string => `${day}T00:00:00+09:00`

function nextDay(day: string): string {
  const date = new Date(`${day}T00:00:00Z`)
  date.setUTCDate(date.getUTCDate() + 1)
  return date.toISOString().slice(0, 10)
}
