/** The API client: typed by the generated schema, signed in, and telling every failure as an error. */

import createClient, { type Client } from 'openapi-fetch'
import { raise } from './problem'
import type { components, paths } from './schema'
import { accessToken, refresh } from './session'

export type Schemas = components['schemas']

const LIMIT_MILLISECONDS = 20_000
const PATIENT_MILLISECONDS = 600_000 // 500 orders at the slowest broker's call limit, with room

let client: Client<paths> | null = null
let base = ''

export function configureClient(apiUrl: string): void {
  base = apiUrl
  client = createClient<paths>({ baseUrl: apiUrl, fetch: authorizedFetch })
}

export function api(): Client<paths> {
  if (!client) throw new Error('configureClient comes first')
  return client
}

/** The data of a good answer; throws `ApiProblem` for the others. */
export async function must<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call
  if (!response.ok) await raise(response, error)
  return data as T
}

/** Send with a good token; once more with a fresh one where the API says that this one is no longer good. */
export function authorizedFetch(request: Request): Promise<Response> {
  return sendSigned(request, AbortSignal.timeout(LIMIT_MILLISECONDS))
}

/** The same for what takes minutes, such as many orders that wait in line for a broker's call limit. */
export function patientFetch(request: Request): Promise<Response> {
  return sendSigned(request, AbortSignal.timeout(PATIENT_MILLISECONDS))
}

/** Open the event stream: the same, without a limit in time. */
export function openEvents(headers: Record<string, string>, query: string, signal: AbortSignal): Promise<Response> {
  return sendSigned(new Request(`${base}/api/v1/events${query}`, { headers, cache: 'no-store' }), signal)
}

async function sendSigned(request: Request, signal: AbortSignal): Promise<Response> {
  const token = await accessToken()
  const again = request.clone()
  const response = await send(request, token, signal)
  // A 401 comes before anything is done, so an order may be sent again too; its client_order_id would tell anyway.
  if (response.status !== 401 || token === null || !(await refresh(token))) return response
  return send(again, await accessToken(), signal)
}

function send(request: Request, token: string | null, signal: AbortSignal): Promise<Response> {
  if (token !== null) request.headers.set('Authorization', `Bearer ${token}`)
  return fetch(new Request(request, { signal: AbortSignal.any([request.signal, signal]) }))
}
