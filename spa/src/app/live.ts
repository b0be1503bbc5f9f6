/** From events to the query cache and to notes on screen. One line for each signed-in tab. */

import type { QueryClient } from '@tanstack/vue-query'
import { readonly, ref } from 'vue'
import { applyBlocks, type Block } from '@/features/funds/blocks'
import { applyRun } from '@/features/jobs/jobs'
import { applyOrders, type Fill, type Order } from '@/features/orders/book'
import { i18n } from '@/i18n'
import { openEvents, type Schemas } from '@/lib/client'
import { type LineState, listen, type LucyEvent } from '@/lib/events'
import { formatNumber, formatWon } from '@/lib/format'
import { displayName, instrumentQuery, keys } from '@/lib/queries'
import { showToast } from '@/lib/toasts'

const FLUSH_MILLISECONDS = 40 // a burst of a thousand events is drawn a few times, not a thousand
const MONEY_MILLISECONDS = 1_200 // balances are asked of the broker: once for fills that come together
const FUNDS_MILLISECONDS = 600
const FILL_MILLISECONDS = 300
const MOST_FILL_NOTES = 2

const state = ref<LineState>('connecting')
export const lineState = readonly(state)

/** Listen until the returned function is called. */
export function goLive(queryClient: QueryClient): () => void {
  const stop = new AbortController()
  let waiting: LucyEvent[] = []
  let flushTimer: ReturnType<typeof setTimeout> | undefined
  let moneyTimer: ReturnType<typeof setTimeout> | undefined
  let fundsTimer: ReturnType<typeof setTimeout> | undefined
  let fillTimer: ReturnType<typeof setTimeout> | undefined
  let fills: Fill[] = []

  const flush = () => {
    flushTimer = undefined
    const events = waiting
    waiting = []
    const orders = events.flatMap((event): Order[] => (event.type === 'order' ? [event.order] : []))
    if (orders.length) applyOrders(queryClient, orders)
    const blocks = events.flatMap((event): Block[] => (event.type === 'block_order' ? [event.block_order] : []))
    if (blocks.length) {
      applyBlocks(queryClient, blocks)
      fundsTimer ??= setTimeout(refreshFunds, FUNDS_MILLISECONDS)
    }
    // Every fill comes with its order too; both an order and a fill move cash or what may be sold.
    if (orders.length) moneyTimer ??= setTimeout(refreshMoney, MONEY_MILLISECONDS)
    for (const event of events) {
      if (event.type === 'fill') fills.push(event.fill)
      else if (event.type === 'stream') applyStream(queryClient, event)
      else if (event.type === 'alert') noteAlert(queryClient, event)
      else if (event.type === 'job') applyRun(queryClient, event.run)
      else if (event.type === 'watch_alert') void noteWatchAlert(queryClient, event)
      else if (event.type === 'resync') void queryClient.invalidateQueries()
    }
    if (fills.length) fillTimer ??= setTimeout(tellFills, FILL_MILLISECONDS)
  }
  const tellFills = () => {
    fillTimer = undefined
    void noteFills(queryClient, fills)
    fills = []
  }
  const refreshMoney = () => {
    moneyTimer = undefined
    for (const queryKey of [keys.balances, keys.allPositions, keys.allBuyingPower, keys.allWatchlists, keys.baskets]) void queryClient.invalidateQueries({ queryKey })
  }

  const refreshFunds = () => {
    fundsTimer = undefined
    for (const queryKey of [keys.funds, keys.allFundPositions, keys.allAllocations]) void queryClient.invalidateQueries({ queryKey })
  }

  void listen(
    {
      open: openEvents,
      onFresh: () => void queryClient.invalidateQueries(),
      onEvent: (event) => {
        waiting.push(event)
        flushTimer ??= setTimeout(flush, FLUSH_MILLISECONDS)
      },
      onState: (next) => (state.value = next),
    },
    stop.signal,
  )
  return () => {
    stop.abort()
    clearTimeout(flushTimer)
    clearTimeout(moneyTimer)
    clearTimeout(fundsTimer)
    clearTimeout(fillTimer)
  }
}

function applyStream(queryClient: QueryClient, event: Schemas['StreamEvent']): void {
  const page = queryClient.getQueryData<Schemas['AccountPage']>(keys.accounts)
  const account = page?.items.find(({ id }) => id === event.account_id)
  if (!page || !account) return
  const stream = { ...account.stream, state: event.state, since: event.at, detail: event.detail }
  queryClient.setQueryData(keys.accounts, { ...page, items: page.items.map((item) => (item === account ? { ...item, stream } : item)) })
  if (event.state === 'reconnecting' && account.stream.state === 'live') {
    const { t } = i18n.global
    showToast({ tone: 'warning', title: t('toast.stream_down', { name: account.name }), text: t('toast.stream_down_text') })
  }
}

function noteAlert(queryClient: QueryClient, { code, message }: Schemas['AlertEvent']): void {
  if (code === 'trading_state_changed') for (const queryKey of [keys.accounts, keys.funds, keys.tradingStates]) void queryClient.invalidateQueries({ queryKey })
  const { t, te, locale } = i18n.global
  const key = `alert.${code}`
  showToast({ tone: 'warning', title: t('toast.alert'), text: te(key, 'ko') && locale.value === 'ko' ? t(key) : message })
}

async function noteWatchAlert(queryClient: QueryClient, { alert }: Schemas['WatchAlertEvent']): Promise<void> {
  void queryClient.invalidateQueries({ queryKey: keys.watchAlerts })
  const { t, locale } = i18n.global
  const instrument = await queryClient.fetchQuery(instrumentQuery(alert.symbol)).catch(() => undefined)
  const name = displayName(instrument, locale.value) || alert.name
  const text = t('watch.alert_text', { price: formatWon(alert.price, locale.value), level: formatWon(alert.level_price, locale.value) })
  showToast({ tone: alert.level === 'target' ? 'buy' : 'sell', title: t(`watch.alert_${alert.level}`, { name }), text })
}

async function noteFills(queryClient: QueryClient, fills: readonly Fill[]): Promise<void> {
  const { t, locale } = i18n.global
  const sums = sumFills(fills)
  if (sums.length > MOST_FILL_NOTES) {
    showToast({ tone: 'good', title: t('toast.fills', { count: fills.length }), text: t('toast.fills_text') })
    return
  }
  for (const fill of sums) {
    const instrument = await queryClient.fetchQuery(instrumentQuery(fill.symbol)).catch(() => undefined)
    const name = displayName(instrument, locale.value) || fill.symbol
    showToast({
      tone: fill.side,
      title: t('toast.fill', { side: t(`side.${fill.side}`), name }),
      text: t('toast.fill_text', { quantity: formatNumber(fill.quantity), price: formatWon(Math.round(fill.amount / fill.quantity), locale.value) }),
    })
  }
}

type FillSum = Pick<Fill, 'symbol' | 'side' | 'quantity' | 'amount'>

/** Fills of one stock and side that come together are one piece of news. */
function sumFills(fills: readonly Fill[]): FillSum[] {
  const sums = new Map<string, FillSum>()
  for (const { symbol, side, quantity, amount } of fills) {
    const sum = sums.get(symbol + side)
    sums.set(symbol + side, { symbol, side, quantity: quantity + (sum?.quantity ?? 0), amount: amount + (sum?.amount ?? 0) })
  }
  return [...sums.values()]
}
