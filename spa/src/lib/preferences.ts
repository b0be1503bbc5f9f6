/** What this browser remembers: language, theme, the last stocks. Nothing secret. */

import { ref, watch } from 'vue'

export type Theme = 'system' | 'light' | 'dark'
export type Language = 'ko' | 'en'

const THEME = 'lucy-theme'
const LANGUAGE = 'lucy-language'
const SYMBOL = 'lucy-symbol'
const RECENT = 'lucy-recent'
const MOST_RECENT = 12
const CODE = /^[0-9A-Z]{6}$/

export const theme = ref<Theme>(oneOf(read(THEME), ['system', 'light', 'dark'], 'system'))
export const language = ref<Language>(oneOf(read(LANGUAGE), ['ko', 'en'], 'ko'))
/** The stock that the ticket was last on; empty at first. */
export const lastSymbol = ref(CODE.test(read(SYMBOL)) ? read(SYMBOL) : '')

/** Stocks whose pages were looked at, the latest first. */
export const recentSymbols = ref(read(RECENT).split(',').filter((symbol) => CODE.test(symbol)).slice(0, MOST_RECENT))

export function rememberSymbol(symbol: string): void {
  recentSymbols.value = [symbol, ...recentSymbols.value.filter((each) => each !== symbol)].slice(0, MOST_RECENT)
}

/** Put the preferences onto the document, now and whenever they change. */
export function applyPreferences(): void {
  const root = document.documentElement
  watch(theme, (value) => write(THEME, (root.dataset.theme = value)), { immediate: true })
  watch(language, (value) => write(LANGUAGE, (root.lang = value)), { immediate: true })
  watch(lastSymbol, (value) => write(SYMBOL, value))
  watch(recentSymbols, (value) => write(RECENT, value.join()))
}

function oneOf<T extends string>(value: string, allowed: readonly T[], fallback: T): T {
  return allowed.find((each) => each === value) ?? fallback
}

// Private windows may refuse the storage; a choice then lasts as long as the page.
function read(key: string): string {
  try {
    return localStorage.getItem(key) ?? ''
  } catch {
    return ''
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {
    // see above
  }
}
