/** Colours of the page for a canvas, which knows no custom properties. */

export type Colour = 'up' | 'down' | 'ink-2' | 'line' | 'surface'

/** What the names stand for now, in the theme that is on. */
export function readPalette(host: HTMLElement): Record<Colour, string> {
  const read = (name: Colour) => {
    const probe = document.createElement('i') // a new one each: where colours change gradually, a used one still has its last
    probe.style.color = `var(--${name})`
    host.append(probe)
    const { color } = getComputedStyle(probe)
    probe.remove()
    return color
  }
  return { up: read('up'), down: read('down'), 'ink-2': read('ink-2'), line: read('line'), surface: read('surface') }
}

/** `rgb(1, 2, 3)` made translucent. */
export const translucent = (colour: string, alpha: number): string => colour.replace(/^rgba?\(([^,]+,[^,]+,[^,)]+).*$/, `rgba($1, ${alpha})`)
