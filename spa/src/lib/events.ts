/**
 * The one reader of `GET /events`.
 *
 * It reads with `fetch`, so that the token stays in a header; resumes with `Last-Event-ID`, so that nothing is lost or repeated; comes back
 * after every end, clean or not, with jitter; and takes a line that is silent for too long as broken, since the API comments every 15 s.
 */

import type { Schemas } from './client'
import { FrameParser } from './sse'

export type LucyEvent =
  | Schemas['OrderEvent']
  | Schemas['FillEvent']
  | Schemas['BlockOrderEvent']
  | Schemas['StreamEvent']
  | Schemas['AlertEvent']
  | Schemas['WatchAlertEvent']
  | Schemas['JobEvent']
  | Schemas['ResyncEvent']

export type LineState = 'connecting' | 'live' | 'offline' | 'signed_out'

export interface Listening {
  open: (headers: Record<string, string>, query: string, signal: AbortSignal) => Promise<Response>
  /** The stream is open and starts at this moment: whatever was before must be loaded now. */
  onFresh: () => void
  onEvent: (event: LucyEvent) => void
  onState: (state: LineState) => void
  /** Wait, in milliseconds; ends early when the signal fires. Tests put their own. */
  wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

type Taken = LucyEvent | 'unreadable' | null

const KNOWN = new Set(['order', 'fill', 'block_order', 'stream', 'alert', 'watch_alert', 'job', 'resync'])
const SILENCE_MILLISECONDS = 40_000 // two comments missed and some more
const FIRST_WAIT_MILLISECONDS = 500
const LONGEST_WAIT_MILLISECONDS = 15_000

/** Listen until `signal` fires or nobody is signed in any more. */
export async function listen(listening: Listening, signal: AbortSignal): Promise<void> {
  const wait = listening.wait ?? pause
  let lastId = ''
  let failures = 0
  while (!signal.aborted) {
    listening.onState(failures ? 'offline' : 'connecting')
    try {
      const line = await connect(listening, lastId, signal)
      if (line === 'signed_out') return listening.onState('signed_out')
      if (line === 'bad_id') {
        lastId = ''
        continue
      }
      listening.onState('live')
      if (!lastId) listening.onFresh()
      failures = 0
      await read(line, lastId, signal, (event, id) => {
        lastId = id
        if (event === 'unreadable') listening.onFresh()
        else if (event) listening.onEvent(event)
      })
    } catch {
      failures += 1
    }
    if (!signal.aborted) await wait(backoff(failures), signal)
  }
}

/** Half of the doubled wait is fixed, half is chance: listeners cut off together do not come back together. */
export function backoff(failures: number, random = Math.random): number {
  const longest = Math.min(FIRST_WAIT_MILLISECONDS * 2 ** failures, LONGEST_WAIT_MILLISECONDS)
  return longest / 2 + (random() * longest) / 2
}

async function connect(listening: Listening, lastId: string, signal: AbortSignal): Promise<Response | 'signed_out' | 'bad_id'> {
  const headers: Record<string, string> = { Accept: 'text/event-stream', ...(lastId ? { 'Last-Event-ID': lastId } : {}) }
  const response = await listening.open(headers, lastId ? '' : '?snapshot=true', signal)
  if (response.status === 401) return 'signed_out'
  if (lastId && (response.status === 400 || response.status === 422)) return 'bad_id'
  if (!response.ok || !response.body) throw new Error(`events: HTTP ${response.status}`)
  return response
}

async function read(response: Response, lastId: string, signal: AbortSignal, take: (event: Taken, id: string) => void): Promise<void> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const parser = new FrameParser(lastId)
  const stop = () => void reader.cancel().catch(() => undefined)
  signal.addEventListener('abort', stop, { once: true })
  window.addEventListener('offline', stop) // the browser knows at once, the line only after its silence
  try {
    for (;;) {
      const { done, value } = await withLimit(reader.read(), SILENCE_MILLISECONDS)
      if (done) return
      for (const frame of parser.push(value)) {
        take(KNOWN.has(frame.event) ? parse(frame.data) : null, frame.id)
      }
    }
  } finally {
    signal.removeEventListener('abort', stop)
    window.removeEventListener('offline', stop)
    stop()
  }
}

// An event that cannot be read is not asked for again, that would go on for ever: what it told is loaded by REST.
function parse(data: string): LucyEvent | 'unreadable' {
  try {
    return JSON.parse(data) as LucyEvent
  } catch {
    return 'unreadable'
  }
}

function withLimit<T>(promise: Promise<T>, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('events: the line is silent')), milliseconds)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      window.removeEventListener('online', end)
      resolve()
    }
    const timer = setTimeout(end, milliseconds)
    signal.addEventListener('abort', end)
    window.addEventListener('online', end)
  })
}
