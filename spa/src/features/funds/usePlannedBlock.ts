import { computed, type MaybeRefOrGetter, ref, toValue } from 'vue'
import { useI18n } from 'vue-i18n'
import type { Schemas } from '@/lib/client'
import { refDebounced } from '@/lib/debounce'
import { lastSymbol } from '@/lib/preferences'
import { useInstrument } from '@/lib/queries'
import { usePreview } from './api'
import { type BlockDraft, check, emptyDraft, toBlock } from './draft'

const STILL_MILLISECONDS = 350

/** A block being thought of under a stored plan, and what it would do, asked for once the typing pauses. */
export function usePlannedBlock(plan: MaybeRefOrGetter<Schemas['Plan'] | undefined>) {
  const { t } = useI18n()
  const draft = ref<BlockDraft>(emptyDraft())
  const { data: instrument } = useInstrument(lastSymbol)
  const stock = computed(() =>
    instrument.value?.symbol === lastSymbol.value ? { symbol: instrument.value.symbol, kind: instrument.value.kind, lotSize: instrument.value.lot_size } : null,
  )
  const findings = computed(() => check(draft.value, toValue(plan)?.method ?? null, stock.value))
  const isSound = computed(() => Object.keys(findings.value).length === 0)
  const request = computed(() => {
    const under = toValue(plan)
    return under && isSound.value ? toBlock(draft.value, under, lastSymbol.value) : null
  })
  const still = refDebounced(() => request.value, STILL_MILLISECONDS)
  const preview = usePreview(still, () => toValue(plan)?.updated_at ?? '')
  const isSettled = computed(() => request.value !== null && JSON.stringify(request.value) === JSON.stringify(still.value) && !preview.isFetching.value && !preview.isPlaceholderData.value)
  const hint = computed(() => {
    if (!toValue(plan)) return t('blocks.hint_plan')
    return isSound.value ? '' : t('blocks.hint_terms')
  })
  return { draft, symbol: lastSymbol, findings, request, preview, hint, isSettled }
}
