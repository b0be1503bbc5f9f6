import { describe, expect, it } from 'vitest'
import type { Schemas } from './client'
import { offerOf, offersAround, pauseAfter } from './queries'

const account = (id: string, broker: Schemas['Broker'], environment: Schemas['Environment']) => ({ id, broker, environment }) as Schemas['Account']
const offer = (broker: Schemas['Broker'], environment: Schemas['Environment']) => ({ broker, environment }) as Schemas['BrokerCapabilities']

const brokers = (['kis', 'ls'] as const).flatMap((broker) => (['sandbox', 'paper', 'real'] as const).map((environment) => offer(broker, environment)))
const kis = account('1', 'kis', 'real')
const ls = account('2', 'ls', 'paper')
const sandbox = account('3', 'kis', 'sandbox')

describe('what brokers offer', () => {
  it('goes by broker and environment', () => {
    expect(offerOf(brokers, ls)).toEqual(offer('ls', 'paper'))
    expect(offerOf(undefined, ls)).toBeNull()
    expect(offerOf(brokers, undefined)).toBeNull()
  })

  it('is asked of the accounts in the same market only', () => {
    expect(offersAround(brokers, [kis, ls, sandbox], kis)).toEqual([offer('kis', 'real'), offer('ls', 'paper')])
    expect(offersAround(brokers, [kis, ls, sandbox], sandbox)).toEqual([offer('kis', 'sandbox')])
    expect(offersAround(undefined, [kis], kis)).toEqual([])
  })
})

describe('prices', () => {
  it('are asked for every second only where all are told live', () => {
    expect(pauseAfter([{ is_live: true }, { is_live: true }], 4_000)).toBe(1_000)
    expect(pauseAfter([{ is_live: true }, { is_live: false }], 4_000)).toBe(4_000)
    expect(pauseAfter([{ is_live: true }, null], 4_000)).toBe(4_000)
    expect(pauseAfter([], 4_000)).toBe(4_000)
  })
})
