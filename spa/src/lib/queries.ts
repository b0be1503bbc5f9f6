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
  quotes: (symbols: string) => ['quotes', symbols],
  financials: (symbol: string, accountId: string, kind: string, period: string) => ['financials', symbol, accountId, kind, period],
  investors: (symbol: string, accountId: string) => ['investors', symbol, accountId],
  firms: (accountId: string) => ['firms', accountId],
  firmOpinions: (firm: string, accountId: string) => ['firm-opinions', firm, accountId],
  terminalLists: (accountId: string) => ['terminal-lists', accountId],
  terminalStocks: (accountId: string, kind: string, key: string) => ['terminal-stocks', accountId, kind, key],
  opinions: (symbol: string, accountId: string) => ['opinions', symbol, accountId],
  ranking: (kind: string, accountId: string) => ['ranking', kind, accountId],
  brokers: ['brokers'],
  watchlists: ['watchlists'],
  watchlist: (id: string) => ['watchlist', id],
  allWatchlists: ['watchlist'],
  watchQuotes: (id: string) => ['watch-quotes', id],
  watchAlerts: ['watch-alerts'],
  orders: ['orders'],
  funds: ['funds'],
  fundPositions: (fundId: string) => ['fund-positions', fundId],
  allFundPositions: ['fund-positions'],
  plans: ['plans'],
  blocks: ['blocks'],
  block: (blockId: string) => ['block', blockId],
  blockPreview: (request: object | null, planVersion: string) => ['block-preview', request, planVersion],
  allBlockPreviews: ['block-preview'],
  allocation: (day: string) => ['allocation', day],
  allAllocations: ['allocation'],
  baskets: ['baskets'],
  evidence: (orderId: string) => ['evidence', orderId],
  tradingStates: ['trading-states'],
  riskLimits: (kind: 'account' | 'user', id: string) => ['risk-limits', kind, id],
  users: ['users'],
  reports: (day: string | null) => ['reconciliation-reports', day],
  webhooks: ['webhooks'],
  deliveries: (webhookId: string) => ['webhook-deliveries', webhookId],
  allDeliveries: ['webhook-deliveries'],
  audit: (filter: object) => ['audit', filter],
  jobs: ['jobs'],
  jobRuns: (job: string) => ['job-runs', job],
  jobRun: (runId: string) => ['job-run', runId],
  allIpos: ['ipos'],
  ipos: (filter: object) => ['ipos', 'list', filter],
  ipo: (siteNo: number) => ['ipos', 'one', siteNo],
  ipoCalendar: (month: string) => ['ipos', 'calendar', month],
  ipoModel: ['ipos', 'model'],
  allThemes: ['themes'],
  themes: (query: string, sort: string) => ['themes', 'list', query, sort],
  theme: (themeIdx: number) => ['themes', 'one', themeIdx],
  themeStocks: (screen: object) => ['themes', 'stocks', screen],
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

/** The funds that the user is a member of. */
export function useFunds() {
  return useQuery({
    queryKey: keys.funds,
    queryFn: () => must(api().GET('/api/v1/funds')),
    staleTime: 30_000,
    select: (page: Schemas['FundPage']) => page.items,
  })
}

/** All users; only admins may read them. */
export function useUsers(isAdmin: MaybeRefOrGetter<boolean>) {
  return useQuery(
    computed(() => ({
      queryKey: keys.users,
      queryFn: () => must(api().GET('/api/v1/users', { params: { query: { limit: 200 } } })),
      select: (page: Schemas['UserPage']) => page.items,
      enabled: toValue(isAdmin),
    })),
  )
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

const LIVE_MILLISECONDS = 1_000

/** Until prices are asked for again: what the broker's feed tells costs it nothing, anything else has its pace. */
export const pauseAfter = (quotes: readonly (Pick<Schemas['Quote'], 'is_live'> | null)[], otherwise: number): number =>
  quotes.length > 0 && quotes.every((quote) => quote?.is_live) ? LIVE_MILLISECONDS : otherwise
