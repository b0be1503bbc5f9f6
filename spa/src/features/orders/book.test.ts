import { QueryClient } from '@tanstack/vue-query'
import { afterEach, describe, expect, it } from 'vitest'
import { keys } from '@/lib/queries'
import { applyOrders, type Book, clearBook, isOpen, type Order } from './book'

const anOrder = (id: string, version: number, status: Order['status'] = 'new') => ({ id, version, status }) as Order

describe('book', () => {
  afterEach(clearBook)

  it('keeps the newest version, whatever order events and answers come in', () => {
    const client = new QueryClient()
    client.setQueryData<Book>(keys.orders, { orders: { a: anOrder('a', 2) }, nextCursor: 'next' })

    applyOrders(client, [anOrder('a', 4, 'filled'), anOrder('a', 3, 'partially_filled'), anOrder('b', 1)])

    const book = client.getQueryData<Book>(keys.orders)
    expect(book?.orders.a).toEqual(anOrder('a', 4, 'filled'))
    expect(book?.orders.b?.version).toBe(1)
    expect(book?.nextCursor).toBe('next')
  })

  it('never shows a partial book: events wait for the first load', () => {
    const client = new QueryClient()

    applyOrders(client, [anOrder('a', 1)])

    expect(client.getQueryData(keys.orders)).toBeUndefined()
  })

  it('changes nothing for a repeat', () => {
    const client = new QueryClient()
    const book: Book = { orders: { a: anOrder('a', 2) }, nextCursor: null }
    client.setQueryData(keys.orders, book)

    applyOrders(client, [anOrder('a', 2)])

    expect(client.getQueryData(keys.orders)).toBe(book)
  })

  it('takes an unknown order as open', () => {
    expect([isOpen(anOrder('a', 1, 'unknown')), isOpen(anOrder('a', 1, 'filled'))]).toEqual([true, false])
  })
})
