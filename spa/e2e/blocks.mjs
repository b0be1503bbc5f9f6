/**
 * Funds, a plan and its blocks through the browser: two funds are made, a plan over two brokers divides, a block is placed whose answer is
 * lost on the way, its price is changed, its fills come in by themselves, another is canceled, and the day's report is downloaded.
 *
 *     node e2e/blocks.mjs <SPA URL> <user name> <password> <output folder> <JSON: kis, ls, symbol, lower, upper, unknown, mark> [desktop|phone]
 *
 * Prints one line of JSON with what it saw; exits 0 only if all of it is as it should be. Screenshots and files go to the output folder.
 */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openBrowser, openPage, signIn } from './browser.mjs'

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }

async function run() {
  const [url, username, password, folder, told, device = 'desktop'] = process.argv.slice(2)
  if (!told) throw new Error('usage: node e2e/blocks.mjs <SPA URL> <user name> <password> <output folder> <JSON> [desktop|phone]')
  await mkdir(folder, { recursive: true })
  const browser = await openBrowser()
  try {
    const { page, failures } = await openPage(browser, device === 'phone' ? PHONE : {})
    try {
      await signIn(page, url, username, password)
      const seen = await manage(page, folder, { ...JSON.parse(told), elsewhere: await signInElsewhere(url, username, password) })
      // The answer that is lost on purpose, and what is asked while there is no line.
      return { ...seen, failures: failures.filter((failure) => !failure.includes('ERR_')) }
    } catch (error) {
      await page.screenshot({ path: join(folder, 'failed.png') })
      return { ok: false, error: error.message, at: page.url(), failures }
    }
  } finally {
    await browser.close()
  }
}

async function manage(page, folder, { kis, ls, symbol, lower, upper, unknown, mark, elsewhere }) {
  const overflowing = []
  const shot = async (name) => {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme })
      if (await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)) overflowing.push(name)
      await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) })
    }
  }
  await page.evaluate(() => (window.isSameDocument = true))
  await page.getByTestId('nav-funds').click()

  // What is not known comes first, and stands out
  await page.getByTestId('block').first().and(page.locator(`[data-block-id="${unknown}"][data-status=unknown]`)).waitFor()
  await page.locator(`[data-block-id="${unknown}"]`).getByTestId('block-open').click()
  await page.locator('[data-testid=block-part][data-order-status=unknown]').getByTestId('part-trouble').waitFor()
  await page.getByTestId('block-unknown').waitFor()
  await shot('1-unknown')

  // Two funds, one with what it had before
  await page.getByTestId('tab-fund-list').click()
  const names = [`성장 ${mark}`, `배당 ${mark}`]
  const funds = [await makeFund(page, names[0], '600000000', { account: kis, symbol: '000660', quantity: '25', amount: '4750000' }), await makeFund(page, names[1], '400000000')]
  const first = page.locator(`[data-testid=fund][data-fund-id="${funds[0]}"]`)
  await first.getByTestId('fund-open').click()
  const opening = await first.locator('[data-testid=fund-position][data-symbol="000660"]').getAttribute('data-quantity')
  await shot('2-funds')
  await page.locator(`[data-testid=fund][data-fund-id="${funds[1]}"]`).getByTestId('fund-change').click()
  await page.getByTestId('fund-budget-input').fill('500000000')
  await page.getByTestId('fund-submit').click()
  await page.getByTestId('fund-dialog').waitFor({ state: 'detached' })
  const budget = page.locator(`[data-testid=fund][data-fund-id="${funds[1]}"]`).getByTestId('fund-budget')
  const changedBudget = await budget.filter({ hasText: '500,000,000' }).innerText()

  // A plan, and what it would do
  await page.getByTestId('tab-plans').click()
  await page.getByTestId('plan-new').click()
  await page.getByTestId('plan-save').click()
  await page.getByText('계획 이름을 입력하세요.').waitFor()
  await page.getByTestId('plan-name').fill(`비율 ${mark}`)
  await page.getByTestId('plan-method').selectOption('ratio')
  await fillLine(page, 0, funds[0], kis, '60')
  await page.getByTestId('line-add').click()
  await fillLine(page, 1, funds[1], kis, '30')
  await page.getByTestId('line-add').click()
  await fillLine(page, 2, funds[1], ls, '12.5')
  await page.getByTestId('plan-fee').fill('0.015')
  const weights = await page.getByTestId('plan-sum').innerText()
  const hint = await page.getByTestId('preview-hint').innerText()
  await page.getByTestId('plan-save').click()
  await page.getByTestId('plan-use').waitFor()
  await fillTerms(page, { symbol, quantity: '101', price: lower })
  await previewOf(page, 101)
  const shares = await page.getByTestId('preview-line').evaluateAll((rows) => rows.map((row) => Number(row.dataset.quantity)))
  await shot('3-plan')
  await page.getByTestId('line-maximum').nth(0).fill('20')
  await page.getByTestId('plan-dirty').waitFor()
  await page.getByTestId('plan-save').click()
  await page.locator('[data-testid=preview-line][data-quantity="20"]').waitFor()
  await page.getByTestId('line-maximum').nth(0).fill('')
  await page.getByTestId('plan-save').click()
  await page.locator('[data-testid=preview-line][data-quantity="20"]').waitFor({ state: 'detached' })

  // A block whose answer is lost on the way, pressed twice, and asked for again: still one
  const bodies = []
  await page.route('**/api/v1/block-orders', async (route) => {
    if (route.request().method() !== 'POST') return route.fallback()
    bodies.push(route.request().postData())
    if (bodies.length > 1) return route.fallback()
    await route.fetch()
    return route.abort('connectionreset')
  })
  await page.getByTestId('plan-use').click()
  await fillTerms(page, { symbol, quantity: '101', price: lower })
  await previewOf(page, 101)
  await shot('4-ticket')
  await page.getByTestId('block-review').click()
  await page.getByTestId('block-confirm').dblclick()
  await page.getByTestId('block-outcome-unknown').waitFor()
  await shot('5-lost')
  await page.getByTestId('block-confirm').click()
  const detail = page.getByTestId('block-detail')
  await detail.and(page.locator('[data-status=working]')).waitFor()
  const blockId = await detail.getAttribute('data-block-id')

  // Its price is changed here, then elsewhere while this page has no line: the fills come in by themselves once it is back
  await page.locator('[data-testid=block-part][data-order-status=new]').nth(1).waitFor()
  await shot('6-working')
  await page.getByTestId('block-reprice').click()
  await page.getByTestId('reprice-price').press('ArrowUp')
  await page.getByTestId('reprice-confirm').click()
  await page.getByTestId('reprice-confirm').waitFor({ state: 'detached' })
  const repriced = await page.getByTestId('block-limit-price').innerText()
  await page.context().setOffline(true)
  await page.locator('[data-testid=line-state][data-state=offline]').waitFor()
  const missed = await elsewhere('PATCH', `/block-orders/${blockId}`, { limit_price: upper })
  const whileAway = await detail.getAttribute('data-filled')
  await page.context().setOffline(false)
  await detail.and(page.locator('[data-status=filled][data-filled="101"]')).waitFor()
  const average = await page.getByTestId('block-average').innerText()
  const filled = await page.getByTestId('block-line').evaluateAll((rows) => rows.map((row) => [Number(row.dataset.filled), Number(row.dataset.amount)]))
  await shot('7-filled')
  await page.getByTestId('part-order').first().click()
  await page.getByTestId('order-detail').waitFor()
  await page.goBack()

  // Another by amount, canceled
  await page.getByTestId('tab-blocks').click()
  await page.getByTestId('block-new').click()
  await page.getByTestId('block-plan').selectOption({ label: `비율 ${mark} · 비율` })
  await page.getByTestId('block-by-amount').click()
  await fillTerms(page, { symbol, amount: '3000000', price: lower })
  await page.locator('[data-testid=block-preview][data-busy=false] [data-testid=preview-sum]').waitFor()
  await page.getByTestId('block-review').click()
  await page.getByTestId('block-confirm').click()
  await detail.and(page.locator('[data-status=working]')).waitFor()
  const canceledId = await detail.getAttribute('data-block-id')
  await page.locator('[data-testid=block-part][data-order-status=new]').nth(1).waitFor()
  await page.getByTestId('block-cancel').click()
  await page.getByTestId('block-cancel-confirm').click()
  await detail.and(page.locator('[data-status=canceled]')).waitFor()
  await page.getByTestId('tab-blocks').click()
  await page.locator(`[data-testid=block][data-block-id="${canceledId}"][data-status=canceled]`).waitFor()
  await shot('8-blocks')

  // What the funds have now, and the report of the day
  await page.getByTestId('tab-fund-list').click()
  const { used_amount: expected } = await elsewhere('GET', `/funds/${funds[0]}`)
  await first.getByTestId('fund-used').filter({ hasText: expected.toLocaleString('en-US') }).waitFor() // until then, what was known before
  const used = await first.getByTestId('fund-used').innerText()
  await page.getByTestId('tab-allocation').click()
  await page.locator(`[data-testid=allocation-row][data-block-id="${blockId}"]`).first().waitFor()
  await shot('9-report')
  const files = {}
  for (const format of ['csv', 'xlsx']) {
    const downloading = page.waitForEvent('download')
    await page.getByTestId(`report-${format}`).click()
    const download = await downloading
    await download.saveAs(join(folder, `report.${format}`))
    files[format] = download.suggestedFilename()
  }

  // The fund's own kill switch
  await page.getByTestId('nav-controls').click()
  await page.getByTestId('tab-safety').click()
  const row = page.locator(`[data-testid=state-row][data-level=fund][data-key="${funds[0]}"]`)
  await row.getByTestId('state-change').click()
  await page.getByTestId('state-halted').check()
  await page.getByTestId('state-submit').click()
  await row.and(page.locator('[data-state=halted]')).waitFor()
  const banner = await page.getByTestId('state-banner').innerText()
  await shot('10-halted')
  const isSameDocument = await page.evaluate(() => window.isSameDocument === true)

  return {
    ok: bodies.length === 3 && bodies[0] === bodies[1] && isSameDocument && !overflowing.length,
    funds,
    opening,
    changed_budget: changedBudget,
    weights,
    hint,
    shares,
    posts: bodies.length,
    block_id: blockId,
    canceled_id: canceledId,
    repriced,
    missed: missed.status,
    while_away: whileAway,
    average,
    filled,
    used,
    banner,
    files,
    is_same_document: isSameDocument,
    overflowing,
  }
}

/** Calls of the same user from another place. */
async function signInElsewhere(url, username, password) {
  const { apiUrl } = await (await fetch(new URL('/config.json', url))).json()
  const call = async (method, path, body, token) => {
    const headers = { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) }
    const response = await fetch(`${apiUrl}/api/v1${path}`, { method, headers, body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }
  const { access_token: token } = await call('POST', '/auth/login', { username, password })
  return (method, path, body) => call(method, path, body, token)
}

async function makeFund(page, name, budget, opening) {
  await page.getByTestId('fund-new').click()
  await page.getByTestId('fund-name').fill(name)
  await page.getByTestId('fund-budget-input').fill(budget)
  if (opening) {
    await page.getByTestId('opening-add').click()
    await page.getByTestId('opening-account').selectOption(opening.account)
    await page.getByTestId('opening-symbol').fill(opening.symbol)
    await page.getByTestId('opening-quantity').fill(opening.quantity)
    await page.getByTestId('opening-amount').fill(opening.amount)
  }
  const answered = page.waitForResponse((response) => response.url().endsWith('/api/v1/funds') && response.request().method() === 'POST')
  await page.getByTestId('fund-submit').click()
  const fund = await (await answered).json()
  await page.getByTestId('fund-dialog').waitFor({ state: 'detached' })
  await page.locator(`[data-testid=fund][data-fund-id="${fund.id}"]`).waitFor()
  return fund.id
}

async function fillLine(page, index, fund, account, value) {
  const line = page.getByTestId('plan-line').nth(index)
  await line.getByTestId('line-fund').selectOption(fund)
  await line.getByTestId('line-account').selectOption(account)
  await line.getByTestId('line-value').fill(value)
}

async function fillTerms(page, { symbol, quantity, amount, price }) {
  await page.getByTestId('ticket-symbol').fill(symbol)
  await page.getByTestId('quote-price').waitFor()
  await page.getByTestId('ticket-side-buy').click()
  if (quantity) await page.getByTestId('block-quantity').fill(quantity)
  if (amount) await page.getByTestId('block-amount').fill(amount)
  await page.getByTestId('block-price').fill(String(price))
}

async function previewOf(page, quantity) {
  await page.locator(`[data-testid=block-preview][data-busy=false][data-quantity="${quantity}"]`).waitFor()
}

const seen = await run().catch((error) => ({ ok: false, error: error.message }))
console.log(JSON.stringify(seen))
process.exitCode = seen.ok && !seen.failures.length ? 0 : 1
