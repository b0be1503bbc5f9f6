/** The days of a month's calendar, and what stands on each; days are `YYYY-MM-DD` in Korea. */

import type { Schemas } from '@/lib/client'

export interface Day {
  day: string
  isInMonth: boolean
  isWeekend: boolean
  closedAs: string | null
  events: Schemas['IpoEvent'][]
}

const text = (date: Date): string => date.toISOString().slice(0, 10)

/** Whole weeks from Sunday on that hold the month `YYYY-MM`. */
export function daysOf(month: string): Day[] {
  const first = new Date(`${month}-01T00:00:00Z`)
  const start = new Date(first)
  start.setUTCDate(1 - first.getUTCDay())
  const next = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 1))
  const days: Day[] = []
  for (const date = start; date < next || date.getUTCDay() !== 0; date.setUTCDate(date.getUTCDate() + 1)) {
    days.push({ day: text(date), isInMonth: text(date).startsWith(month), isWeekend: date.getUTCDay() % 6 === 0, closedAs: null, events: [] })
  }
  return days
}

/** The month's days with what happens on each. What goes on for days stands on each day of it on which the exchange opens. */
export function calendarOf(month: string, calendar: Schemas['IpoCalendar'] | undefined): Day[] {
  const closed = new Map(calendar?.closed_days.map(({ day, name }) => [day, name]))
  return daysOf(month).map((day) => {
    const closedAs = closed.get(day.day) ?? null
    const isOpen = !day.isWeekend && closedAs === null
    const events = (calendar?.events ?? []).filter((event) => event.start <= day.day && day.day <= event.end && (isOpen || event.start === event.end))
    return { ...day, closedAs, events }
  })
}

/** The month before or after. */
export function monthAfter(month: string, step: number): string {
  const [year = 0, number = 1] = month.split('-').map(Number)
  return text(new Date(Date.UTC(year, number - 1 + step, 1))).slice(0, 7)
}
