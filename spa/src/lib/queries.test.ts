import { describe, expect, it } from 'vitest'
import type { Schemas } from './client'
import { offerOf, offersAround } from './queries'

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
