/** Short notes that come and go; the application draws them. */

import { shallowReadonly, shallowRef } from 'vue'

export interface Toast {
  id: number
  tone: 'buy' | 'sell' | 'good' | 'warning' | 'info'
  title: string
  text: string
}

const SHOWN_MILLISECONDS = 6_000
const MOST = 4

const shown = shallowRef<readonly Toast[]>([])
let lastId = 0

export const toasts = shallowReadonly(shown)

export function showToast(toast: Omit<Toast, 'id'>): void {
  const id = (lastId += 1)
  shown.value = [...shown.value, { ...toast, id }].slice(-MOST)
  setTimeout(() => dismissToast(id), toast.tone === 'warning' ? 2 * SHOWN_MILLISECONDS : SHOWN_MILLISECONDS)
}

export function dismissToast(id: number): void {
  shown.value = shown.value.filter((toast) => toast.id !== id)
}
