import { describe, expect, it } from 'vitest'
import { emptyForm, parseLimit, toForm, toLimits } from './limits'

describe('parseLimit', () => {
  it.each([
    ['order_value', '', null],
    ['order_value', '1,000,000', 1_000_000],
    ['order_value', '0', 'invalid'],
    ['order_value', '-5', 'invalid'],
    ['order_value', '1.5', 'invalid'],
    ['order_value', 'many', 'invalid'],
    ['order_value', '1000000000000001', 'invalid'],
    ['price_distance', '12.5', 12.5],
    ['price_distance', '1001', 'invalid'],
    ['same_order', '86401', 'invalid'],
  ] as const)('%s %j is %j', (code, text, expected) => {
    expect(parseLimit(code, text)).toBe(expected)
  })
})

describe('toLimits', () => {
  it('leaves out what is empty and keeps the action', () => {
    const form = emptyForm()
    form.order_value = { text: '5,000', action: 'confirm' }
    expect(toLimits(form)).toEqual({ order_value: { limit: 5000, action: 'confirm' } })
  })

  it('sends nothing while a field is wrong', () => {
    const form = emptyForm()
    form.order_quantity.text = 'x'
    expect(toLimits(form)).toBeNull()
  })

  it('gives back what the API told', () => {
    const told = { order_value: null, order_quantity: { limit: 7, action: 'confirm' }, day_value: null, orders_per_second: null }
    const limits = { ...told, orders_per_minute: null, price_distance: { limit: 2.5, action: 'block' }, same_order: null, set_by: null, set_at: null }
    expect(toLimits(toForm(limits as never))).toEqual({
      order_quantity: { limit: 7, action: 'confirm' },
      price_distance: { limit: 2.5, action: 'block' },
    })
  })
})
