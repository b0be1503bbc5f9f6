/** Colours of the page for a canvas, which knows no custom properties. */

export type Colour = 'up' | 'down' | 'ink-2' | 'line' | 'surface'

/** What the names stand for now, in the theme that is on. */
export function readPalette(host: HTMLElement): Record<Colour, string> {
  const probe = document.createElement('i')
  host.append(probe)
  const read = (name: Colour) => {
    probe.style.color = `var(--${name})`
    return getComputedStyle(probe).color
  }
  const palette = { up: read('up'), down: read('down'), 'ink-2': read('ink-2'), line: read('line'), surface: read('surface') }
  probe.remove()
  return palette
}

/** `rgb(1, 2, 3)` made translucent. */
export const translucent = (colour: string, alpha: number): string => colour.replace(/^rgba?\(([^,]+,[^,]+,[^,)]+).*$/, `rgba($1, ${alpha})`)
