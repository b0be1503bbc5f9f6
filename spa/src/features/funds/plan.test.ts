import { describe, expect, it } from 'vitest'
import type { Schemas } from '@/lib/client'
import { faultsOf, isChanged, isSound, type LineForm, type Method, METHODS, newLine, type PlanForm, sumOfValues, toForm, toPlan } from './plan'

const line = (changes: Partial<LineForm> = {}): LineForm => ({ ...newLine('f1', 'a1'), value: '60', ...changes })
const plan = (changes: Partial<PlanForm> = {}): PlanForm => ({
  name: '성장',
  method: 'ratio',
  onShortfall: 'reduce',
  onRejection: 'resplit',
  fee: '0.015',
  lines: [line(), line({ fundId: 'f2', value: '12.5' })],
  ...changes,
})
const faultsOfLine = (method: Method, changes: Partial<LineForm>) => faultsOf(plan({ method, lines: [line(changes)] })).lines[0]

describe('plan form', () => {
  it('becomes the plan to store, its fee in percent a rate', () => {
    expect(toPlan(plan({ name: ' 성장 ' }))).toEqual({
      name: '성장',
      method: 'ratio',
      on_shortfall: 'reduce',
      on_rejection: 'resplit',
      fee_rate: '0.00015',
      lines: [
        { fund_id: 'f1', account_id: 'a1', value: '60', minimum: 0, maximum: null },
        { fund_id: 'f2', account_id: 'a1', value: '12.5', minimum: 0, maximum: null },
      ],
    })
  })

  it('sends no value that the method does not read', () => {
    expect(toPlan(plan({ method: 'equal', lines: [line({ value: 'whatever', minimum: '1,000', maximum: '2000' })] }))?.lines).toEqual([
      { fund_id: 'f1', account_id: 'a1', value: '0', minimum: 1000, maximum: 2000 },
    ])
  })

  it('names what is missing', () => {
    const faults = faultsOf(plan({ name: ' ', fee: 'x', lines: [newLine()] }))
    expect(faults).toEqual({ name: true, fee: true, lines: [{ fund: 'fund', account: 'account', value: 'value' }] })
    expect(toPlan(plan({ name: '' }))).toBeNull()
    expect(isSound(faultsOf(plan({ lines: [] })))).toBe(false)
  })

  it.each([
    ['ratio', '-1', 'above_zero'],
    ['ratio', '0', 'value'],
    ['fixed_quantity', '1.5', 'whole'],
    ['amount', '-100', 'above_zero'],
    ['amount', '1,000,000', undefined],
    ['target_weight', '2.5%', undefined],
    ['holding_change', '-33.3', undefined],
    ['sell_all', '', undefined],
  ] as const)('under %s takes the value %j as the API does', (method, value, fault) => {
    expect(faultsOfLine(method, { value })?.value).toBe(fault)
  })

  it('wants bounds in shares and in order', () => {
    expect(faultsOfLine('equal', { minimum: '10', maximum: '9' })).toEqual({ maximum: 'order' })
    expect(faultsOfLine('equal', { minimum: '1.5', maximum: '-1' })).toEqual({ minimum: 'shares', maximum: 'shares' })
    expect(faultsOfLine('equal', { minimum: '', maximum: '0' })).toEqual({})
  })

  it('refuses a fund twice at one account', () => {
    expect(faultsOf(plan({ lines: [line(), line()] })).lines).toEqual([{}, { account: 'twice' }])
    expect(isSound(faultsOf(plan({ lines: [line(), line({ accountId: 'a2' })] })))).toBe(true)
  })

  it('takes only fees that the API takes', () => {
    expect(['0', '', '0.015', '99.999999', '100', '-1', '0.0000001'].map((fee) => faultsOf(plan({ fee })).fee)).toEqual([false, false, false, false, true, true, true])
  })

  it('is as the stored plan until something is typed', () => {
    const stored = { ...toPlan(plan()), id: 'p', lines: toPlan(plan())?.lines.map((each, index) => ({ ...each, id: `l${index}` })) } as Schemas['Plan']
    const form = toForm(stored)
    expect(isChanged(form, stored)).toBe(false)
    expect(toPlan(form)).toEqual(toPlan(plan()))
    const [first] = form.lines
    if (first) first.maximum = '5'
    expect(isChanged(form, stored)).toBe(true)
  })

  it('adds values up where a sum means anything', () => {
    expect(sumOfValues(plan())).toBe('72.5')
    expect([sumOfValues(plan({ method: 'target_weight' })), sumOfValues(plan({ method: 'equal' }))]).toEqual([null, null])
  })

  it('knows for each method who tells the quantity', () => {
    const dividing = (Object.keys(METHODS) as Method[]).filter((method) => METHODS[method].divides)
    expect(dividing.toSorted()).toEqual(['available_cash', 'equal', 'fund_size', 'ratio'])
  })
})
