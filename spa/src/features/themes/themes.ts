import { useInfiniteQuery, useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, must, type Schemas } from '@/lib/client'
import { keys } from '@/lib/queries'
import { queryOf, type Screen } from './screen'

export type Theme = Schemas['Theme']
export type ThemeStock = Schemas['ThemeStock']

export function useThemes(query: MaybeRefOrGetter<string>, sort: MaybeRefOrGetter<Schemas['ThemeSort']>) {
  return useQuery(
    computed(() => ({
      queryKey: keys.themes(toValue(query), toValue(sort)),
      queryFn: () => must(api().GET('/api/v1/themes', { params: { query: { query: toValue(query), sort: toValue(sort) } } })),
      placeholderData: (before: Schemas['ThemeList'] | undefined) => before,
    })),
  )
}

export function useTheme(themeIdx: MaybeRefOrGetter<number>) {
  return useQuery(
    computed(() => ({
      queryKey: keys.theme(toValue(themeIdx)),
      queryFn: () => must(api().GET('/api/v1/themes/{theme_idx}', { params: { path: { theme_idx: toValue(themeIdx) } } })),
    })),
  )
}

export function useScreened(screen: MaybeRefOrGetter<Screen>) {
  return useInfiniteQuery(
    computed(() => ({
      queryKey: keys.themeStocks(toValue(screen)),
      queryFn: ({ pageParam }: { pageParam: string | null }) =>
        must(api().GET('/api/v1/themes/stocks', { params: { query: { ...queryOf(toValue(screen)), ...(pageParam ? { cursor: pageParam } : {}) } } })),
      initialPageParam: null as string | null,
      getNextPageParam: (page: Schemas['ThemeStockPage']) => page.next_cursor,
    })),
  )
}

export const loadScreenedFile = (screen: Screen): Promise<Blob> =>
  must(api().GET('/api/v1/themes/stocks/csv', { params: { query: queryOf(screen) }, parseAs: 'blob' })) as Promise<Blob>

/** How deep a change is coloured, from 0 to 1: 5 % and more is as deep as it gets. */
export const heatOf = (change: number | null): number => Math.min(Math.abs(change ?? 0) / 5, 1)
