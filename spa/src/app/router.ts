import { createRouter, createWebHistory } from 'vue-router'
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
