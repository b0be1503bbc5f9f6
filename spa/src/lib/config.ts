/** What the SPA server tells at run time (`/config.json`). */
export interface Config {
  /** Where the API is; empty: where the page came from. */
  apiUrl: string
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * Reach a local API under the very host name that the page was opened with: the refresh cookie is `SameSite`, and to a browser
 * `localhost` and `127.0.0.1` are two sites.
 */
export function sameSite(apiUrl: string, page: string): string {
  const here = new URL(page)
  const url = new URL(apiUrl || '/', here)
  if (LOOPBACK.has(url.hostname) && LOOPBACK.has(here.hostname)) url.hostname = here.hostname
  return url.href.replace(/\/+$/, '')
}

export async function loadConfig(): Promise<Config> {
  const response = await fetch('/config.json', { cache: 'no-store' })
  if (!response.ok) throw new Error(`/config.json: ${response.status}`)
  const config = (await response.json()) as Config
  return { apiUrl: sameSite(config.apiUrl, location.origin) }
}
