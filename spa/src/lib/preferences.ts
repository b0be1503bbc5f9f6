/** What this browser remembers: language and theme. Nothing secret. */

import { ref, watch } from 'vue'

export type Theme = 'system' | 'light' | 'dark'
export type Language = 'ko' | 'en'

const THEMES: readonly Theme[] = ['system', 'light', 'dark']
const LANGUAGES: readonly Language[] = ['ko', 'en']

export const theme = ref<Theme>(stored('lucy-theme', THEMES, 'system'))
export const language = ref<Language>(stored('lucy-language', LANGUAGES, 'ko'))

/** Put the preferences onto the document, now and whenever they change. */
export function applyPreferences(): void {
  watch(theme, (value) => remember('lucy-theme', value, () => (document.documentElement.dataset.theme = value)), { immediate: true })
  watch(language, (value) => remember('lucy-language', value, () => (document.documentElement.lang = value)), { immediate: true })
}

function remember(key: string, value: string, apply: () => void): void {
  apply()
  try {
    localStorage.setItem(key, value)
  } catch {
    // private windows may refuse; the choice then lasts as long as the page
  }
}

function stored<T extends string>(key: string, allowed: readonly T[], fallback: T): T {
  try {
    return allowed.find((value) => value === localStorage.getItem(key)) ?? fallback
  } catch {
    return fallback
  }
}
