/** Server-sent events out of a byte stream, wherever the chunks are cut (WHATWG HTML, §9.2.6). */

export interface Frame {
  event: string
  data: string
  /** The last id seen on the stream, this frame's or an earlier one's. */
  id: string
}

export class FrameParser {
  private readonly decoder = new TextDecoder()
  private rest = ''
  private isAfterReturn = false
  private event = ''
  private data: string[] = []
  private id: string

  constructor(lastId = '') {
    this.id = lastId
  }

  /** The frames that this chunk completes. */
  push(chunk: Uint8Array): Frame[] {
    let text = this.decoder.decode(chunk, { stream: true })
    // A carriage return at the end of the chunk before was a line's end already: its line feed says nothing new.
    if (this.isAfterReturn && text.startsWith('\n')) text = text.slice(1)
    if (text) this.isAfterReturn = text.endsWith('\r')
    const lines = (this.rest + text).split(/\r\n|\r|\n/)
    this.rest = lines.pop() ?? ''
    return lines.flatMap((line) => this.line(line))
  }

  private line(line: string): Frame[] {
    if (line === '') return this.dispatch()
    const colon = line.indexOf(':')
    if (colon === 0) return [] // a comment keeps the line open
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') this.event = value
    else if (field === 'data') this.data.push(value)
    else if (field === 'id' && !value.includes('\0')) this.id = value
    return []
  }

  private dispatch(): Frame[] {
    const { event, data, id } = this
    this.event = ''
    this.data = []
    return data.length ? [{ event: event || 'message', data: data.join('\n'), id }] : []
  }
}
