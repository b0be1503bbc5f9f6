/** Lists that a customer keeps in the broker's own terminal: interest groups and saved searches. */

import { useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, must } from '@/lib/client'
import { keys } from '@/lib/queries'

export interface TerminalList {
  kind: 'group' | 'condition'
  key: string
  name: string
}

/** All lists and saved searches of an account's customer. */
export function useTerminalLists(accountId: MaybeRefOrGetter<string>) {
  return useQuery(
    computed(() => {
      const id = toValue(accountId)
      const params = { path: { account_id: id } }
      return {
        queryKey: keys.terminalLists(id),
        queryFn: async (): Promise<TerminalList[]> => {
          const groups = await must(api().GET('/api/v1/accounts/{account_id}/interest-groups', { params }))
          const conditions = await must(api().GET('/api/v1/accounts/{account_id}/conditions', { params }))
          return [
            ...groups.items.map(({ code, name }) => ({ kind: 'group' as const, key: code, name })),
            ...conditions.items.map(({ sequence, group, name }) => ({ kind: 'condition' as const, key: sequence, name: `${group} · ${name}` })),
          ]
        },
        enabled: id !== '',
        retry: false,
      }
    }),
  )
}

/** The stocks of one of them now. */
export function useTerminalStocks(accountId: MaybeRefOrGetter<string>, list: MaybeRefOrGetter<TerminalList | null>) {
  return useQuery(
    computed(() => {
      const id = toValue(accountId)
      const { kind, key } = toValue(list) ?? { kind: 'group', key: '' }
      return {
        queryKey: keys.terminalStocks(id, kind, key),
        queryFn: async () => {
          const { items } =
            kind === 'group'
              ? await must(api().GET('/api/v1/accounts/{account_id}/interest-groups/{group_code}/stocks', { params: { path: { account_id: id, group_code: key } } }))
              : await must(api().GET('/api/v1/accounts/{account_id}/conditions/{sequence}/stocks', { params: { path: { account_id: id, sequence: key } } }))
          return items.map(({ symbol, name }) => ({ symbol, name }))
        },
        enabled: id !== '' && key !== '',
        retry: false,
      }
    }),
  )
}
