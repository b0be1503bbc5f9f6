/** Reads that more than one feature needs, and the names of everything in the query cache. */

import { useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, must, type Schemas } from './client'

export const keys = {
  accounts: ['accounts'],
  balance: (accountId: string) => ['balance', accountId],
  balances: ['balance'],
  positions: (accountId: string) => ['positions', accountId],
  allPositions: ['positions'],
  buyingPower: (accountId: string, symbol: string, limitPrice: number | null) => ['buying-power', accountId, symbol, limitPrice],
  allBuyingPower: ['buying-power'],
  instrument: (symbol: string) => ['instrument', symbol],
  instrumentSearch: (query: string) => ['instruments', query],
  quote: (symbol: string, accountId: string) => ['quote', symbol, accountId],
  book: (symbol: string, accountId: string) => ['book', symbol, accountId],
  candles: (symbol: string, accountId: string, interval: string) => ['candles', symbol, accountId, interval],
  brokers: ['brokers'],
  orders: ['orders'],
  orderHistory: (orderId: string) => ['order-history', orderId],
} as const

/** The broker accounts of the user. */
export function useAccounts() {
  return useQuery({
    queryKey: keys.accounts,
    queryFn: () => must(api().GET('/api/v1/accounts')),
    staleTime: 30_000,
    select: (page: Schemas['AccountPage']) => page.items,
  })
}

const HOUR = 3_600_000

export const instrumentQuery = (symbol: string) => ({
  queryKey: keys.instrument(symbol),
  queryFn: () => must(api().GET('/api/v1/instruments/{symbol}', { params: { path: { symbol } } })),
  staleTime: HOUR,
  gcTime: HOUR,
  retry: false,
})

/** What each broker offers, by environment; it changes with a new version of Lucy only. */
export function useBrokers() {
  return useQuery({
    queryKey: keys.brokers,
    queryFn: () => must(api().GET('/api/v1/brokers')),
    staleTime: HOUR,
    gcTime: HOUR,
    select: (list: Schemas['BrokerList']) => list.items,
  })
}

/** What the account's broker offers in its environment; null while that is not known. */
export const offerOf = (brokers: readonly Schemas['BrokerCapabilities'][] | undefined, account: Schemas['Account'] | undefined) =>
  brokers?.find(({ broker, environment }) => broker === account?.broker && environment === account.environment) ?? null

/** What may be asked in the account's market: the brokers of all accounts in it are sources, and the sandbox's market is its own. */
export function offersAround(brokers: readonly Schemas['BrokerCapabilities'][] | undefined, accounts: readonly Schemas['Account'][], account: Schemas['Account']) {
  const isSandbox = account.environment === 'sandbox'
  return accounts.filter(({ environment }) => (environment === 'sandbox') === isSandbox).flatMap((each) => offerOf(brokers, each) ?? [])
}

/** One instrument; nothing while the symbol is empty. */
export function useInstrument(symbol: MaybeRefOrGetter<string>) {
  return useQuery(computed(() => ({ ...instrumentQuery(toValue(symbol)), enabled: toValue(symbol) !== '' })))
}

/** The name in the reader's language. */
export const displayName = (instrument: Schemas['Instrument'] | undefined, locale: string): string =>
  instrument ? (locale === 'ko' ? instrument.name : instrument.english_name || instrument.name) : ''

const REFRESH_MILLISECONDS = 30_000 // prices move; fills ask for a fresh one by themselves

/** Holdings of one account. */
export const positionsQuery = (accountId: string) => ({
  queryKey: keys.positions(accountId),
  queryFn: () => must(api().GET('/api/v1/accounts/{account_id}/positions', { params: { path: { account_id: accountId } } })),
  enabled: accountId !== '',
  refetchInterval: REFRESH_MILLISECONDS,
})

export function usePositions(accountId: MaybeRefOrGetter<string>) {
  return useQuery(computed(() => positionsQuery(toValue(accountId))))
}
