/**
 * Who is signed in. The access token stays in memory; the refresh token is an httpOnly cookie that this code never sees.
 *
 * Refresh tokens rotate, and the API takes the reuse of an old one for a theft. So all tabs refresh one at a time (Web Locks), and within
 * a tab all callers share one refresh.
 */

import { computed, shallowReadonly, shallowRef } from 'vue'
import { raise } from './problem'
import type { components } from './schema'

type Token = components['schemas']['AccessToken']
export type User = components['schemas']['Me']

const EARLY_MILLISECONDS = 20_000 // renew before the API would refuse the token, clocks and lines allowing
const LOCK = 'lucy-refresh'

const user = shallowRef<User | null>(null)
const hasLeft = shallowRef(false)
let apiUrl = ''
let token: { text: string; expiresAt: number } | null = null
let refreshing: Promise<boolean> | null = null

export const session = {
  user: shallowReadonly(user),
  /** Whether the last session ended because the user wanted so. */
  hasLeft: shallowReadonly(hasLeft),
  isSignedIn: computed(() => user.value !== null),
}

export function configureSession(url: string): void {
  apiUrl = url
}

/** A token that is good for a while, or null: nobody is signed in. Throws where the API cannot be reached. */
export async function accessToken(): Promise<string | null> {
  if (token && token.expiresAt - EARLY_MILLISECONDS > performance.now()) return token.text
  return (await refresh()) ? (token?.text ?? null) : null
}

/** Get a new access token by the cookie; false: signed out. `stale` is the token that was refused, if one was. */
export async function refresh(stale?: string): Promise<boolean> {
  if (stale !== undefined && token && token.text !== stale) return true // another caller was faster
  refreshing ??= locked(renew).finally(() => {
    refreshing = null
  })
  return refreshing
}

export async function signIn(username: string, password: string): Promise<void> {
  const response = await post('/auth/login', { username, password })
  if (!response.ok) await raise(response)
  keep((await response.json()) as Token)
  await loadUser()
}

/** Sign in silently with the cookie of an earlier visit. */
export async function resume(): Promise<void> {
  if (await refresh()) await loadUser()
}

export async function signOut(): Promise<void> {
  const { text } = token ?? {}
  hasLeft.value = true
  forget()
  await post('/auth/logout', undefined, text)
}

async function renew(): Promise<boolean> {
  const response = await post('/auth/refresh')
  if (response.status === 401 || response.status === 403) {
    forget()
    return false
  }
  if (!response.ok) await raise(response)
  keep((await response.json()) as Token)
  return true
}

async function loadUser(): Promise<void> {
  const response = await fetch(`${apiUrl}/api/v1/auth/me`, { headers: { Authorization: `Bearer ${token?.text ?? ''}` } })
  if (!response.ok) await raise(response)
  user.value = (await response.json()) as User
  hasLeft.value = false
}

function keep(answer: Token): void {
  token = { text: answer.access_token, expiresAt: performance.now() + answer.expires_in * 1000 }
}

function forget(): void {
  token = null
  user.value = null
}

function post(path: string, body?: object, bearer?: string): Promise<Response> {
  return fetch(`${apiUrl}/api/v1${path}`, {
    method: 'POST',
    credentials: 'include',
    headers: {
      ...(body ? { 'Content-Type': 'application/json' } : {}),
      ...(bearer ? { Authorization: `Bearer ${bearer}` } : {}),
    },
    body: body ? JSON.stringify(body) : null,
  })
}

// Web Locks exist in secure contexts only; elsewhere tabs do not know of each other.
const locked = <T>(work: () => Promise<T>): Promise<T> => ('locks' in navigator ? navigator.locks.request(LOCK, work) as Promise<T> : work())
