/** What an audit entry changed: the fields whose value is another one, as text. */

type Values = Record<string, unknown> | null | undefined

export interface ChangedField {
  name: string
  before: string | null
  after: string | null
}

export function changesOf(before: Values, after: Values): ChangedField[] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
  return names
    .map((name) => ({ name, before: textOf(before?.[name]), after: textOf(after?.[name]) }))
    .filter((field) => field.before !== field.after)
}

function textOf(value: unknown): string | null {
  if (value === undefined || value === null) return null
  return typeof value === 'string' ? value : JSON.stringify(value)
}
