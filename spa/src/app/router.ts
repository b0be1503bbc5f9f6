import { createRouter, createWebHistory } from 'vue-router'
import { i18n } from '@/i18n'
import { session } from '@/lib/session'
import SignInRoute from './SignInRoute.vue'
import TradePage from './TradePage.vue'

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/sign-in', name: 'sign-in', component: SignInRoute, meta: { isPublic: true } },
    { path: '/', name: 'trade', component: TradePage },
    { path: '/accounts', name: 'accounts', component: () => import('@/features/accounts/AccountsPage.vue') },
    { path: '/settings', name: 'settings', component: () => import('@/features/settings/SettingsPage.vue') },
    { path: '/:rest(.*)*', redirect: { name: 'trade' } },
  ],
})

router.beforeEach((to) => {
  if (to.meta.isPublic) return session.isSignedIn.value ? { name: 'trade' } : true
  return session.isSignedIn.value ? true : { name: 'sign-in', query: to.fullPath === '/' ? {} : { next: to.fullPath } }
})

router.afterEach((to) => {
  const titles = { trade: 'app.trade', accounts: 'app.accounts', settings: 'app.settings', 'sign-in': 'sign_in.title' } as const
  const key = titles[to.name as keyof typeof titles]
  document.title = key ? `${i18n.global.t(key)} · Lucy` : 'Lucy'
})
