/** What can go wrong with a call, as one kind of error that every page can show. */

import type { components } from './schema'

export type ProblemDocument = components['schemas']['Problem']
export type Violation = components['schemas']['RiskViolation']

/** The API refused, and said why. */
export class ApiProblem extends Error {
  readonly document: ProblemDocument

  constructor(document: ProblemDocument) {
    super(document.detail)
    this.name = 'ApiProblem'
    this.document = document
  }

  get code(): string {
    return this.document.code
  }

  get status(): number {
    return this.document.status
  }
}

/** Whether a request with this error may have been carried out all the same: nobody heard the API say no. */
export function isOutcomeUnknown(error: unknown): boolean {
  if (!(error instanceof ApiProblem)) return true
  return error.document.outcome === 'unknown' || (error.status >= 500 && error.document.outcome !== 'none')
}

/** The limits that were exceeded, and whether confirming them lets the request pass. */
export function violationsOf(error: unknown): { violations: readonly Violation[]; isAsked: boolean } {
  if (!(error instanceof ApiProblem)) return { violations: [], isAsked: false }
  return { violations: error.document.violations ?? [], isAsked: error.code === 'risk_confirmation_required' }
}

/** Throw an answer that is not a good one. */
export async function raise(response: Response, parsed?: unknown): Promise<never> {
  const body = parsed ?? (await response.json().catch(() => null))
  throw new ApiProblem(isProblem(body) ? body : unreadable(response))
}

function isProblem(body: unknown): body is ProblemDocument {
  return typeof body === 'object' && body !== null && typeof (body as ProblemDocument).code === 'string' && 'detail' in body
}

// A proxy in between answers in its own words.
function unreadable(response: Response): ProblemDocument {
  return {
    type: 'about:blank',
    title: response.statusText || String(response.status),
    status: response.status,
    detail: `HTTP ${response.status}`,
    code: response.status >= 500 ? 'unavailable' : 'unreadable_answer',
    retryable: response.status >= 500,
    request_id: response.headers.get('X-Request-ID') ?? '',
  }
}
