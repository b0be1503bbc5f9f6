import { describe, expect, it } from 'vitest'
import { backoff, type LineState, listen, type LucyEvent } from './events'
import { FrameParser } from './sse'

const bytes = (text: string) => new TextEncoder().encode(text)
const alert = (message: string) => JSON.stringify({ type: 'alert', at: '2026-11-23T00:00:00Z', account_id: null, code: 'x', message, order_id: null })

describe('FrameParser', () => {
  const stream = `retry: 1000\n: connected\n\nid: 1-0\nevent: alert\ndata: ${alert('체결')}\n\nid: 2-0\nevent: order\ndata: {"a":\ndata: 1}\n\n`
  const whole = new FrameParser().push(bytes(stream))

  it('reads frames, joins data lines and skips comments', () => {
    expect(whole.map(({ event, id }) => [event, id])).toEqual([['alert', '1-0'], ['order', '2-0']])
    expect(whole[1]?.data).toBe('{"a":\n1}')
  })

  it.each(['\n', '\r\n', '\r'])('gives the same frames wherever the bytes are cut (line end %j)', (end) => {
    const cut = bytes(stream.replaceAll('\n', end))
    for (let size = 1; size < 24; size += 1) {
      const parser = new FrameParser()
      const frames = []
      for (let at = 0; at < cut.length; at += size) frames.push(...parser.push(cut.slice(at, at + size)))
      expect(frames).toEqual(whole)
    }
  })

  it('keeps the last id for frames without one', () => {
    expect(new FrameParser('7-0').push(bytes('data: x\n\n'))).toEqual([{ event: 'message', data: 'x', id: '7-0' }])
  })

  it('gives nothing for a frame that is cut off', () => {
    expect(new FrameParser().push(bytes('id: 3-0\ndata: {}\n'))).toEqual([])
  })
})

/** Listens to scripted answers, one a connection, and stops after the last. */
async function heard(answers: (Response | Error)[]) {
  const stop = new AbortController()
  const asked: { query: string; lastId: string | undefined }[] = []
  const events: LucyEvent[] = []
  const states: LineState[] = []
  let fresh = 0
  await listen(
    {
      open: (headers, query) => {
        asked.push({ query, lastId: headers['Last-Event-ID'] })
        const answer = answers.shift() ?? new Error('no more')
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
      },
      onFresh: () => (fresh += 1),
      onEvent: (event) => events.push(event),
      onState: (state) => states.push(state),
      wait: () => {
        if (!answers.length) stop.abort()
        return Promise.resolve()
      },
    },
    stop.signal,
  )
  return { asked, events, states, fresh }
}

const answer = (...frames: string[]) => new Response(frames.join(''))
const frame = (id: string, event: string, data: string) => `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`

describe('listen', () => {
  it('starts with a snapshot and resumes after a clean end with the last id', async () => {
    const { asked, events, fresh } = await heard([answer(frame('5-0', 'alert', alert('one'))), answer(frame('6-0', 'alert', alert('two')))])

    expect(asked).toEqual([{ query: '?snapshot=true', lastId: undefined }, { query: '', lastId: '5-0' }])
    expect(events.map((event) => 'message' in event && event.message)).toEqual(['one', 'two'])
    expect(fresh).toBe(1)
  })

  it('loads everything again where it has no id to resume from', async () => {
    const { fresh, states } = await heard([answer(': connected\n\n'), new Error('cut'), answer(': connected\n\n')])

    expect(fresh).toBe(2)
    expect(states).toEqual(['connecting', 'live', 'connecting', 'offline', 'live'])
  })

  it('hands on a resync and goes on from its id', async () => {
    const resync = frame('9-0', 'resync', '{"type":"resync","at":"2026-11-23T00:00:00Z"}')
    const { asked, events } = await heard([answer(frame('5-0', 'alert', alert('one'))), answer(resync), answer()])

    expect(events.map((event) => event.type)).toEqual(['alert', 'resync'])
    expect(asked[2]?.lastId).toBe('9-0')
  })

  it('remembers the id of an event of a kind that it does not know', async () => {
    const { asked, events } = await heard([answer(frame('5-0', 'news_of_tomorrow', '{}')), answer()])

    expect(events).toEqual([])
    expect(asked[1]?.lastId).toBe('5-0')
  })

  it('loads everything, once, where an event cannot be read', async () => {
    const { asked, fresh } = await heard([answer(frame('5-0', 'order', '{"cut')), answer()])

    expect(asked[1]?.lastId).toBe('5-0')
    expect(fresh).toBe(2)
  })

  it('starts over where the API refuses the id', async () => {
    const { asked } = await heard([answer(frame('5-0', 'news_of_tomorrow', '{}')), new Response('{}', { status: 422 }), answer()])

    expect(asked.map(({ lastId }) => lastId)).toEqual([undefined, '5-0', undefined])
  })

  it('ends when nobody is signed in', async () => {
    const { states } = await heard([new Response('', { status: 401 }), answer()])

    expect(states).toEqual(['connecting', 'signed_out'])
  })
})

describe('backoff', () => {
  it('grows, has a limit, and always waits at least half of it', () => {
    expect([0, 1, 2, 10].map((failures) => backoff(failures, () => 0))).toEqual([250, 500, 1000, 7500])
    expect(backoff(10, () => 1)).toBe(15_000)
  })
})
