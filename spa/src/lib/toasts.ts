/** Short notes that come and go; the application draws them. */

import { shallowReadonly, shallowRef } from 'vue'

export interface Toast {
  id: number
  tone: 'buy' | 'sell' | 'good' | 'warning' | 'info'
  title: string
  text: string
}

const SHOWN_MILLISECONDS = { info: 3_500, good: 6_000, buy: 6_000, sell: 6_000, warning: 12_000 } as const
const MOST = 3

const shown = shallowRef<readonly Toast[]>([])
let lastId = 0

export const toasts = shallowReadonly(shown)

export function showToast(toast: Omit<Toast, 'id'>): void {
  const id = (lastId += 1)
  shown.value = [...shown.value, { ...toast, id }].slice(-MOST)
  setTimeout(() => dismissToast(id), SHOWN_MILLISECONDS[toast.tone])
}

export function dismissToast(id: number): void {
  shown.value = shown.value.filter((toast) => toast.id !== id)
}
