import { useI18n } from 'vue-i18n'
import type { Problem } from './rows'

/** What is wrong with a row, in words: by its code for a Korean reader, as the API says it for the others. */
export function useRowProblemText() {
  const { t, te, locale } = useI18n()
  const fieldText = (field: string): string => (te(`basket.field_${field}`, 'ko') ? t(`basket.field_${field}`) : field)
  const problemText = ({ code, message }: Pick<Problem, 'code' | 'message'>): string => {
    if (locale.value !== 'ko') return message
    const key = [`basket.code_${code}`, `problem.${code}`].find((each) => te(each, 'ko'))
    return key ? t(key) : message
  }
  return { fieldText, problemText }
}
