import 'pretendard/dist/web/variable/pretendardvariable-dynamic-subset.css'
import './styles/tokens.css'
import './styles/base.css'

import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { createApp } from 'vue'
import App from './app/App.vue'
import { router } from './app/router'
import { i18n } from './i18n'
import { configureClient } from './lib/client'
import { loadConfig } from './lib/config'
import { applyPreferences } from './lib/preferences'
import { ApiProblem } from './lib/problem'
import { configureSession, resume } from './lib/session'

const MOST_RETRIES = 2

const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // What the API refuses, it refuses again; a line that is down may come back.
      retry: (failures, error) => failures < MOST_RETRIES && !(error instanceof ApiProblem && error.status < 500),
      staleTime: 5_000,
    },
  },
})

async function start(): Promise<void> {
  applyPreferences()
  const { apiUrl } = await loadConfig()
  configureSession(apiUrl)
  configureClient(apiUrl)
  await resume().catch(() => undefined) // the sign-in page says it better when somebody tries
  createApp(App).use(i18n).use(VueQueryPlugin, { queryClient }).use(router).mount('#app')
}

start().catch((error: unknown) => {
  const root = document.getElementById('app')
  if (root) root.textContent = `${i18n.global.t('app.failed_to_start')}: ${String(error)}`
})
