import { customRef, onScopeDispose, type Ref, watch } from 'vue'

/** Follows `source` once it has been still for a while. */
export function refDebounced<T>(source: () => T, milliseconds: number): Readonly<Ref<T>> {
  let value = source()
  let timer: ReturnType<typeof setTimeout> | undefined
  onScopeDispose(() => clearTimeout(timer))
  return customRef((track, trigger) => {
    watch(source, (next) => {
      clearTimeout(timer)
      timer = setTimeout(() => {
        value = next
        trigger()
      }, milliseconds)
    })
    return {
      get() {
        track()
        return value
      },
      set: () => undefined,
    }
  })
}
