import { expect, it } from 'vitest'
import { changesOf } from './changes'

it('names what was added, changed and taken away, and nothing that stayed', () => {
  const before = { state: 'active', reason: 'x', limits: { a: 1 }, gone: true }
  const after = { state: 'halted', reason: 'x', limits: { a: 2 }, fresh: 'y' }

  expect(changesOf(before, after)).toEqual([
    { name: 'state', before: 'active', after: 'halted' },
    { name: 'limits', before: '{"a":1}', after: '{"a":2}' },
    { name: 'gone', before: 'true', after: null },
    { name: 'fresh', before: null, after: 'y' },
  ])
  expect(changesOf(null, { name: 'x' })).toEqual([{ name: 'name', before: null, after: 'x' }])
  expect(changesOf(null, null)).toEqual([])
})
