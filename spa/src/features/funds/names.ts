import { computed } from 'vue'
import { useAccounts, useFunds } from '@/lib/queries'

/** Names of funds and accounts by id; what is not known (any more) stands as its id. */
export function useNames() {
  const { data: funds } = useFunds()
  const { data: accounts } = useAccounts()
  const fundNames = computed(() => new Map(funds.value?.map(({ id, name }) => [id, name])))
  const accountNames = computed(() => new Map(accounts.value?.map(({ id, name }) => [id, name])))
  return {
    funds,
    accounts,
    fundName: (id: string): string => fundNames.value.get(id) ?? id,
    accountName: (id: string): string => accountNames.value.get(id) ?? id,
  }
}
