import { describe, expect, it } from 'vitest'
import { createI18n } from 'vue-i18n'
import en from './en.json'
import ko from './ko.json'

type Messages = { [key: string]: string | Messages }

const flatten = (messages: Messages, path = ''): [string, string][] =>
  Object.entries(messages).flatMap(([key, value]) => (typeof value === 'string' ? [[path + key, value] as [string, string]] : flatten(value, `${path}${key}.`)))

const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).toSorted()

const korean = new Map(flatten(ko))
const english = new Map(flatten(en))
const sources: Record<string, string> = import.meta.glob('../**/*.{vue,ts}', { query: '?raw', import: 'default', eager: true })

describe('messages', () => {
  it('exist in both languages under the same keys', () => {
    expect([...english.keys()].toSorted()).toEqual([...korean.keys()].toSorted())
  })

  it('take the same values in both languages', () => {
    for (const [key, text] of korean) expect([key, placeholders(english.get(key) ?? '')]).toEqual([key, placeholders(text)])
  })

  it('are never empty, and compile', () => {
    const i18n = createI18n({ legacy: false, locale: 'ko', messages: { ko, en } })
    for (const [key, text] of [...korean, ...english]) expect([key, text.trim() !== '']).toEqual([key, true])
    for (const locale of ['ko', 'en'] as const) {
      i18n.global.locale.value = locale
      for (const key of korean.keys()) expect(i18n.global.t(key)).not.toBe(key)
    }
  })

  it('are there for every key that the code names', () => {
    const named = Object.entries(sources)
      .filter(([path]) => !path.endsWith('.test.ts'))
      .flatMap(([path, source]) => [...source.matchAll(/\bt\(\s*'([a-z_.A-Z]+)'/g)].map(([, key]) => [path, key as string] as const))
    expect(named.length).toBeGreaterThan(50)
    for (const [path, key] of named) expect([path, key, korean.has(key)]).toEqual([path, key, true])
  })
})
