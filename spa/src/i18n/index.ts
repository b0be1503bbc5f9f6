import { watch } from 'vue'
import { createI18n } from 'vue-i18n'
import { language } from '@/lib/preferences'
import en from './en.json'
import ko from './ko.json'

export const i18n = createI18n({ legacy: false, locale: language.value, fallbackLocale: 'ko', messages: { ko, en } })

watch(language, (value) => (i18n.global.locale.value = value))
