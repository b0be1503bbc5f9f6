import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, must, type Schemas } from '@/lib/client'
import { parseDecimal } from '@/lib/decimal'
import { keys } from '@/lib/queries'

export type Ipo = Schemas['Ipo']
export type IpoEvent = Schemas['IpoEvent']

export const STATUSES = ['upcoming', 'open', 'closed', 'listed'] as const
export type StatusFilter = 'all' | (typeof STATUSES)[number]

export const STATUS_TONES = { announced: 'muted', upcoming: 'neutral', open: 'live', closed: 'muted', listed: 'good', withdrawn: 'warning' } as const

export function useIpos(status: MaybeRefOrGetter<StatusFilter>, query: MaybeRefOrGetter<string>) {
  return useInfiniteQuery(
    computed(() => {
      const filter = { ...(toValue(status) === 'all' ? {} : { status: toValue(status) as Schemas['IpoStatus'] }), ...(toValue(query) ? { query: toValue(query) } : {}) }
      return {
        queryKey: keys.ipos(filter),
        queryFn: ({ pageParam }: { pageParam: string | null }) => must(api().GET('/api/v1/ipos', { params: { query: { ...filter, ...(pageParam ? { cursor: pageParam } : {}) } } })),
        initialPageParam: null as string | null,
        getNextPageParam: (page: Schemas['IpoPage']) => page.next_cursor,
      }
    }),
  )
}

export function useIpo(siteNo: MaybeRefOrGetter<number>) {
  return useQuery(
    computed(() => ({
      queryKey: keys.ipo(toValue(siteNo)),
      queryFn: () => must(api().GET('/api/v1/ipos/{site_no}', { params: { path: { site_no: toValue(siteNo) } } })),
    })),
  )
}

export function useIpoCalendar(month: MaybeRefOrGetter<string>) {
  return useQuery(
    computed(() => ({
      queryKey: keys.ipoCalendar(toValue(month)),
      queryFn: () => must(api().GET('/api/v1/ipos/calendar', { params: { query: { month: toValue(month) } } })),
      placeholderData: (before: Schemas['IpoCalendar'] | undefined) => before,
    })),
  )
}

export const loadCalendarFile = (): Promise<Blob> => must(api().GET('/api/v1/ipos/calendar.ics', { parseAs: 'blob' })) as Promise<Blob>

/** The regression in use; null as long as there is none. */
export function useIpoModel() {
  return useQuery({
    queryKey: keys.ipoModel,
    queryFn: async () => {
      const { data, response } = await api().GET('/api/v1/ipos/model')
      return response.status === 404 ? null : (data ?? null)
    },
  })
}

export function useChangeIpo(siteNo: MaybeRefOrGetter<number>) {
  const queryClient = useQueryClient()
  return useMutation({
    mutationFn: (body: Schemas['ChangeIpo']) => must(api().PATCH('/api/v1/ipos/{site_no}', { params: { path: { site_no: toValue(siteNo) } }, body })),
    onSuccess: (ipo) => queryClient.setQueryData(keys.ipo(ipo.site_no), ipo),
  })
}

/** `7,500~10,000`, or one figure where both are the same. */
export function rangeOf(low: number | null, high: number | null, format: (value: number) => string): string {
  const [from, to] = [low ?? high, high ?? low]
  if (from === null || to === null) return '–'
  return from === to ? format(from) : `${format(from)}~${format(to)}`
}

/** `06.29~30` within a month, `06.29~07.01` over two; the year before it where it is not the given one. */
export function spanOf(start: string | null, end: string | null, year: string): string {
  if (!start) return '–'
  const short = (day: string) => day.slice(5).replace('-', '.')
  const from = start.slice(0, 4) === year ? short(start) : `${start.slice(0, 4)}.${short(start)}`
  if (!end || end === start) return from
  return `${from}~${end.slice(0, 7) === start.slice(0, 7) ? end.slice(8) : short(end)}`
}

/** Figures of an offering that people may put right: pages lack some of past ones. */
export const CORRECTABLE = ['final_price', 'open_price', 'first_close', 'revenue_krw_million', 'institution_rate', 'lockup_pct'] as const
export type Correctable = (typeof CORRECTABLE)[number]
type Figures = Pick<Schemas['IpoDetail'], Correctable | 'corrected'>

export const figuresOf = (ipo: Figures): Record<Correctable, string> =>
  Object.fromEntries(CORRECTABLE.map((name) => [name, ipo[name]?.toString() ?? ''])) as Record<Correctable, string>

/** What was typed anew: a number puts right, nothing takes a correction back; null where a text is no number. */
export function correctionsOf(ipo: Figures, typed: Record<Correctable, string>): Partial<Record<Correctable, number | null>> | null {
  const before = figuresOf(ipo)
  const changed: Partial<Record<Correctable, number | null>> = {}
  for (const name of CORRECTABLE) {
    const text = typed[name].trim()
    if (text === before[name]) continue
    const number = parseDecimal(text)
    if (text && number === null) return null
    if (text || ipo.corrected.includes(name)) changed[name] = number === null ? null : Number(number)
  }
  return changed
}
