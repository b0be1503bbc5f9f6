import { describe, expect, it } from 'vitest'
import { mergeNewer, newer } from './versions'

const at = (version: number, id = 'a') => ({ id, version })

describe('versions', () => {
  it('takes the newer and keeps the known on a tie', () => {
    const known = at(2)
    expect(newer(undefined, known)).toBe(known)
    expect(newer(known, at(1))).toBe(known)
    expect(newer(known, at(2))).toBe(known)
    expect(newer(known, at(3)).version).toBe(3)
  })

  it('merges in any order to the same state', () => {
    const events = [at(1), at(3), at(2), at(1, 'b'), at(3)]
    expect(mergeNewer({}, events)).toEqual(mergeNewer({}, events.toReversed()))
    expect(mergeNewer({}, events)).toEqual({ a: at(3), b: at(1, 'b') })
  })

  it('hands back the same object where nothing is newer, so nothing is drawn again', () => {
    const known = { a: at(3) }
    expect(mergeNewer(known, [at(2), at(3)])).toBe(known)
  })
})
