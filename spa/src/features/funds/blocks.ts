/**
 * The blocks of this browser, each in its newest known version, under one key of the query cache. As with the order book, answers and
 * events go in by version, and events that come before the first load wait in `early`.
 */

import { type QueryClient, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, must, type Schemas } from '@/lib/client'
import { keys } from '@/lib/queries'
import { mergeNewer } from '@/lib/versions'

export type Block = Schemas['BlockOrder']
export type Part = Schemas['BlockPart']

export interface BlockBook {
  blocks: Record<string, Block>
  nextCursor: string | null
}

const PAGE = 50
const EMPTY: BlockBook = { blocks: {}, nextCursor: null }

let early: Record<string, Block> = {}

/** Whether more of it may be filled. */
export const isOpen = (block: Block): boolean => block.status === 'working' || block.status === 'unknown'

const RANK: Record<Block['status'], number> = { unknown: 0, working: 1, filled: 2, partially_filled: 2, canceled: 2, rejected: 2 }

/** What needs a look first: unknown, then open, then the rest; each with the newest on top. */
export const byUrgency = (a: Block, b: Block): number => RANK[a.status] - RANK[b.status] || b.created_at.localeCompare(a.created_at) || b.id.localeCompare(a.id)

type Tone = 'neutral' | 'live' | 'warning' | 'muted' | 'good'

/** How a block's status looks; what it says is in the messages. */
export const BLOCK_TONES: Record<Block['status'], { tone: Tone; dot?: boolean }> = {
  working: { tone: 'live', dot: true },
  unknown: { tone: 'warning', dot: true },
  filled: { tone: 'good' },
  partially_filled: { tone: 'neutral' },
  canceled: { tone: 'muted' },
  rejected: { tone: 'warning' },
}

/** Parts that somebody must look at: of unknown outcome, or refused. */
export const troubled = (block: Block): Part[] =>
  block.parts.filter(({ status, order_status: order }) => status === 'refused' || order === 'unknown' || order === 'rejected')

export const hasUnknown = (block: Block): boolean => block.parts.some(({ order_status: order }) => order === 'unknown')

/** Whether its order may take a new price: the API refuses the others with `order_not_open` or `order_busy`. */
export const canReprice = ({ order_status: order }: Part): boolean => order === 'new' || order === 'partially_filled'

export function useBlocks() {
  const queryClient = useQueryClient()
  const query = useQuery({
    queryKey: keys.blocks,
    queryFn: () => load(queryClient),
    gcTime: Infinity,
    refetchOnMount: 'always',
    refetchOnWindowFocus: false,
  })
  const blocks = computed(() => Object.values(query.data.value?.blocks ?? {}).sort(byUrgency))
  const loadMore = useMutation({
    mutationFn: async () => {
      const cursor = query.data.value?.nextCursor
      if (!cursor) return
      const page = await must(api().GET('/api/v1/block-orders', { params: { query: { limit: PAGE, cursor } } }))
      put(queryClient, page.items, page.next_cursor)
    },
  })
  return { query, blocks, hasMore: computed(() => query.data.value?.nextCursor != null), loadMore }
}

/** One block: as the book knows it, else read by itself, such as an older one opened by its address. */
export function useBlock(id: MaybeRefOrGetter<string>) {
  const { query: book } = useBlocks()
  const queryClient = useQueryClient()
  const known = computed(() => book.data.value?.blocks[toValue(id)])
  const single = useQuery(
    computed(() => ({
      queryKey: keys.block(toValue(id)),
      queryFn: async (): Promise<Block> => {
        const block = await must(api().GET('/api/v1/block-orders/{block_id}', { params: { path: { block_id: toValue(id) } } }))
        applyBlocks(queryClient, [block])
        return block
      },
      enabled: book.data.value !== undefined && known.value === undefined,
      retry: false,
    })),
  )
  return { block: computed(() => known.value ?? single.data.value), book, single }
}

/** Put blocks in that an event or an answer brought. */
export function applyBlocks(queryClient: QueryClient, blocks: readonly Block[]): void {
  if (queryClient.getQueryData(keys.blocks)) put(queryClient, blocks)
  else early = mergeNewer(early, blocks)
}

/** Another user signs in: nothing of the one before stays. */
export function clearBlocks(): void {
  early = {}
}

function put(queryClient: QueryClient, blocks: readonly Block[], nextCursor?: string | null): void {
  queryClient.setQueryData<BlockBook>(keys.blocks, (book = EMPTY) => {
    const merged = mergeNewer(book.blocks, blocks)
    return merged === book.blocks && nextCursor === undefined ? book : { blocks: merged, nextCursor: nextCursor === undefined ? book.nextCursor : nextCursor }
  })
}

async function load(queryClient: QueryClient): Promise<BlockBook> {
  const page = await must(api().GET('/api/v1/block-orders', { params: { query: { limit: PAGE } } }))
  // What came while the answer was under way may be newer than it is; what was loaded before may be open and is read again.
  const known = queryClient.getQueryData<BlockBook>(keys.blocks)?.blocks ?? {}
  const listed = new Set(page.items.map(({ id }) => id))
  const others = Object.values(known).filter((block) => isOpen(block) && !listed.has(block.id))
  const again = await Promise.all(others.map(({ id }) => must(api().GET('/api/v1/block-orders/{block_id}', { params: { path: { block_id: id } } }))))
  const latest = mergeNewer(queryClient.getQueryData<BlockBook>(keys.blocks)?.blocks ?? {}, Object.values(early))
  early = {}
  return { blocks: mergeNewer(latest, [...page.items, ...again]), nextCursor: page.next_cursor }
}
