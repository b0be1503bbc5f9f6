import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, must, type Schemas } from '@/lib/client'
import { keys } from '@/lib/queries'

const REFRESH_MILLISECONDS = 30_000

/** Money of one account. */
export function useBalance(accountId: MaybeRefOrGetter<string>) {
  return useQuery(
    computed(() => {
      const id = toValue(accountId)
      return {
        queryKey: keys.balance(id),
        queryFn: () => must(api().GET('/api/v1/accounts/{account_id}/balance', { params: { path: { account_id: id } } })),
        refetchInterval: REFRESH_MILLISECONDS,
      }
    }),
  )
}

/** Calls that change the list of accounts, which is loaded again after each. */
export function useAccountActions() {
  const queryClient = useQueryClient()
  const onSettled = () => queryClient.invalidateQueries({ queryKey: keys.accounts })
  return {
    connect: useMutation({ mutationFn: (account: Schemas['CreateAccount']) => must(api().POST('/api/v1/accounts', { body: account })), onSettled }),
    remove: useMutation({
      mutationFn: (id: string) => must(api().DELETE('/api/v1/accounts/{account_id}', { params: { path: { account_id: id } } })),
      onSettled,
    }),
    setState: useMutation({
      mutationFn: ({ id, state }: { id: string; state: Schemas['TradingState'] }) =>
        must(api().PUT('/api/v1/accounts/{account_id}/kill-switch', { params: { path: { account_id: id } }, body: { state } })),
      onSettled,
    }),
    verify: useMutation({
      mutationFn: (id: string) => must(api().POST('/api/v1/accounts/{account_id}/verify', { params: { path: { account_id: id } } })),
    }),
  }
}
