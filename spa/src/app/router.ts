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
    { path: '/watch', name: 'watch', component: () => import('./WatchPage.vue') },
    { path: '/accounts', name: 'accounts', component: () => import('@/features/accounts/AccountsPage.vue') },
    { path: '/basket', name: 'basket', component: () => import('@/features/baskets/BasketPage.vue') },
    {
      path: '/funds',
      component: () => import('@/features/funds/FundsLayout.vue'),
      children: [
        { path: '', name: 'funds', redirect: { name: 'blocks' } },
        { path: 'blocks', name: 'blocks', component: () => import('@/features/funds/BlocksPage.vue') },
        { path: 'blocks/new', name: 'block-new', meta: { tab: 'blocks' }, component: () => import('@/features/funds/BlockTicket.vue') },
        { path: 'blocks/:blockId', name: 'block', meta: { tab: 'blocks' }, component: () => import('@/features/funds/BlockPage.vue') },
        { path: 'list', name: 'fund-list', component: () => import('@/features/funds/FundsPage.vue') },
        { path: 'plans', name: 'plans', component: () => import('@/features/funds/PlansPage.vue') },
        { path: 'plans/new', name: 'plan-new', meta: { tab: 'plans' }, component: () => import('@/features/funds/PlanEditor.vue') },
        { path: 'plans/:planId', name: 'plan', meta: { tab: 'plans' }, component: () => import('@/features/funds/PlanEditor.vue') },
        { path: 'allocation', name: 'allocation', component: () => import('@/features/funds/AllocationPage.vue') },
      ],
    },
    {
      path: '/market',
      component: () => import('./MarketLayout.vue'),
      children: [
        { path: '', name: 'market', redirect: { name: 'stocks' } },
        { path: '/stocks', name: 'stocks', component: () => import('./StocksPage.vue') },
        { path: '/stocks/:symbol', name: 'stock', meta: { tab: 'stocks' }, component: () => import('./StockPage.vue') },
        { path: '/rankings', name: 'rankings', component: () => import('@/features/market/RankingsPage.vue') },
        { path: 'opinions', name: 'firm-opinions', component: () => import('@/features/market/FirmOpinionsPage.vue') },
        { path: 'ipos', name: 'ipos', component: () => import('@/features/ipos/IposPage.vue') },
        { path: 'ipos/:siteNo(\\d+)', name: 'ipo', meta: { tab: 'ipos' }, component: () => import('@/features/ipos/IpoPage.vue') },
        { path: 'calendar', name: 'ipo-calendar', component: () => import('@/features/ipos/IpoCalendar.vue') },
        { path: 'themes', name: 'themes', component: () => import('@/features/themes/ThemesPage.vue') },
        { path: 'themes/:themeIdx(\\d+)', name: 'theme', meta: { tab: 'themes' }, component: () => import('@/features/themes/ThemePage.vue') },
        { path: 'screener', name: 'screener', component: () => import('@/features/themes/ScreenerPage.vue') },
      ],
    },
    {
      path: '/controls',
      component: () => import('@/features/controls/ControlsPage.vue'),
      children: [
        { path: '', name: 'controls', redirect: { name: 'inbox' } },
        { path: 'unknown', name: 'inbox', component: () => import('@/features/controls/InboxPage.vue') },
        { path: 'safety', name: 'safety', component: () => import('@/features/controls/SafetyPage.vue') },
        { path: 'limits', name: 'limits', component: () => import('@/features/controls/LimitsPage.vue') },
        { path: 'reports', name: 'reports', component: () => import('@/features/controls/ReportsPage.vue') },
        { path: 'webhooks', name: 'webhooks', component: () => import('@/features/controls/WebhooksPage.vue') },
        { path: 'jobs', name: 'jobs', component: () => import('@/features/jobs/JobsPage.vue') },
        { path: 'audit', name: 'audit', component: () => import('@/features/controls/AuditPage.vue') },
      ],
    },
    { path: '/settings', name: 'settings', component: () => import('@/features/settings/SettingsPage.vue') },
    { path: '/:rest(.*)*', redirect: { name: 'trade' } },
  ],
})

router.beforeEach((to) => {
  if (to.meta.isPublic) return session.isSignedIn.value ? { name: 'trade' } : true
  return session.isSignedIn.value ? true : { name: 'sign-in', query: to.fullPath === '/' ? {} : { next: to.fullPath } }
})

router.afterEach((to) => {
  const titles = {
    trade: 'app.trade',
    watch: 'watch.title',
    stocks: 'stock.search',
    stock: 'stock.one',
    rankings: 'ranking.title',
    'firm-opinions': 'firm.title',
    accounts: 'app.accounts',
    basket: 'basket.title',
    settings: 'app.settings',
    'sign-in': 'sign_in.title',
    blocks: 'blocks.title',
    block: 'blocks.one',
    'block-new': 'blocks.new',
    'fund-list': 'funds.title',
    plans: 'plans.title',
    plan: 'plans.plan',
    'plan-new': 'plans.create',
    allocation: 'allocation.title',
    inbox: 'inbox.title',
    safety: 'safety.title',
    limits: 'limits.title',
    reports: 'report.title',
    webhooks: 'webhook.title',
    ipos: 'ipo.title',
    ipo: 'ipo.title',
    'ipo-calendar': 'ipo.calendar',
    themes: 'theme.title',
    theme: 'theme.title',
    screener: 'theme.screener',
    jobs: 'job.title',
    audit: 'audit.title',
  } as const
  const key = titles[to.name as keyof typeof titles]
  document.title = key ? `${i18n.global.t(key)} · Lucy` : 'Lucy'
})
