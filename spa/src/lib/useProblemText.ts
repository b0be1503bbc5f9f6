import { useI18n } from 'vue-i18n'
import { ApiProblem } from './problem'

/** An error as a sentence for people: by the problem's code, and the broker's own words verbatim after it. */
export function useProblemText(): (error: unknown) => string {
  const { t, te, locale } = useI18n()
  return (error) => {
    if (!(error instanceof ApiProblem)) return t('problem.unreachable')
    const { code, detail, broker_code, broker_message, errors } = error.document
    const key = `problem.${code}`
    // English details carry the figures; a Korean reader gets the translated sentence instead, and English only where there is none.
    const sentence = te(key, 'ko') && (locale.value === 'ko' || code === 'invalid_credentials') ? t(key) : detail
    const fields = code === 'invalid_request' && locale.value === 'ko' ? (errors ?? []).map(({ field }) => field).join(', ') : ''
    const broker = broker_message ? `[${broker_code ?? ''}] ${broker_message}` : ''
    return [sentence, fields && `(${fields})`, broker].filter(Boolean).join(' ')
  }
}
