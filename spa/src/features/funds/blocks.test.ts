import { QueryClient } from '@tanstack/vue-query'
import { afterEach, describe, expect, it } from 'vitest'
import { keys } from '@/lib/queries'
import { applyBlocks, type Block, type BlockBook, byUrgency, canReprice, clearBlocks, hasUnknown, isOpen, type Part, troubled } from './blocks'

const aPart = (changes: Partial<Part> = {}): Part => ({ number: 1, status: 'sent', order_status: 'new', ...changes }) as Part
const aBlock = (id: string, version: number, status: Block['status'] = 'working', parts: Part[] = []) =>
  ({ id, version, status, created_at: `2026-11-23T0${id}:00:00Z`, parts }) as Block

describe('blocks', () => {
  afterEach(clearBlocks)

  it('keep the newest version, whatever order events and answers come in', () => {
    const client = new QueryClient()
    client.setQueryData<BlockBook>(keys.blocks, { blocks: { 1: aBlock('1', 2) }, nextCursor: 'next' })

    applyBlocks(client, [aBlock('1', 4, 'filled'), aBlock('1', 3), aBlock('2', 1)])

    const book = client.getQueryData<BlockBook>(keys.blocks)
    expect(book?.blocks['1']).toEqual(aBlock('1', 4, 'filled'))
    expect([book?.blocks['2']?.version, book?.nextCursor]).toEqual([1, 'next'])
  })

  it('wait for the first load: a part of the list would look like all of it', () => {
    const client = new QueryClient()

    applyBlocks(client, [aBlock('1', 1)])

    expect(client.getQueryData(keys.blocks)).toBeUndefined()
  })

  it('stand in the order of who needs a look: unknown, open, the newest of the rest', () => {
    const list = [aBlock('1', 1, 'filled'), aBlock('2', 1, 'working'), aBlock('3', 1, 'rejected'), aBlock('4', 1, 'unknown'), aBlock('5', 1, 'working')]
    expect(list.sort(byUrgency).map(({ id }) => id)).toEqual(['4', '5', '2', '3', '1'])
    expect(list.filter(isOpen).map(({ id }) => id)).toEqual(['4', '5', '2'])
  })

  it('name the parts that somebody must look at', () => {
    const parts = [
      aPart(),
      aPart({ number: 2, order_status: 'unknown' }),
      aPart({ number: 3, status: 'refused', order_status: null }),
      aPart({ number: 4, order_status: 'rejected' }),
      aPart({ number: 5, order_status: 'filled' }),
    ]
    expect(troubled(aBlock('1', 1, 'unknown', parts)).map(({ number }) => number)).toEqual([2, 3, 4])
    expect([hasUnknown(aBlock('1', 1, 'unknown', parts)), hasUnknown(aBlock('1', 1, 'working', parts.slice(2)))]).toEqual([true, false])
    expect(parts.filter(canReprice).map(({ number }) => number)).toEqual([1])
  })
})
