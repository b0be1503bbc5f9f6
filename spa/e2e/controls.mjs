/**
 * The controls through the browser: an order of unknown outcome is settled, trading is halted and released, a limit asks back and is
 * confirmed, a webhook is made and tried, the report and the audit log tell of it.
 *
 *     node e2e/controls.mjs <SPA URL> <user name> <password> <output folder> <unknown order id> <KIS account id> <webhook URL> [desktop|phone]
 *
 * Prints one line of JSON with what it saw; exits 0 only if all of it is as it should be. Screenshots go to the output folder.
 */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually, openBrowser, openPage, signIn } from './browser.mjs'

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
const EXPECTED = ['409 POST /api/v1/orders'] // the limit that asks back

async function run() {
  const [url, username, password, folder, orderId, accountId, webhookUrl, device = 'desktop'] = process.argv.slice(2)
  if (!webhookUrl) throw new Error('usage: node e2e/controls.mjs <SPA URL> <user name> <password> <output folder> <order id> <account id> <webhook URL> [desktop|phone]')
  await mkdir(folder, { recursive: true })
  const browser = await openBrowser()
  try {
    const { page, failures } = await openPage(browser, device === 'phone' ? PHONE : {})
    try {
      const seen = await control(page, { url, username, password, folder, orderId, accountId, webhookUrl })
      return { ...seen, failures: failures.filter((failure) => !EXPECTED.includes(failure)) }
    } catch (error) {
      await page.screenshot({ path: join(folder, 'failed.png') })
      return { ok: false, error: error.message, at: page.url(), failures }
    }
  } finally {
    await browser.close()
  }
}

async function control(page, { url, username, password, folder, orderId, accountId, webhookUrl }) {
  const overflowing = []
  const shot = async (name) => {
    if (await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)) overflowing.push(name)
    await page.screenshot({ path: join(folder, `${name}.png`) })
  }
  await signIn(page, url, username, password)
  await page.evaluate(() => (window.isSameDocument = true))

  // An order of unknown outcome
  const badge = await eventually(() => page.getByTestId('unknown-badge').innerText(), (text) => text === '1')
  await page.getByTestId('nav-controls').click()
  await page.locator(`[data-testid=unknown-order][data-order-id="${orderId}"]`).getByTestId('resolve-open').click()
  await page.getByTestId('evidence-readings').waitFor()
  await page.getByTestId('declare-not-placed').check()
  await page.getByTestId('resolve-note').fill('증권사 화면에 없음')
  await shot('1-resolve')
  await page.getByTestId('resolve-submit').click()
  await page.locator(`[data-testid=unknown-order][data-order-id="${orderId}"]`).waitFor({ state: 'detached' })
  await shot('2-inbox')

  // The kill switch of all trading
  await page.getByTestId('tab-safety').click()
  const level = (kind) => page.locator(`[data-testid=state-row][data-level=${kind}]`)
  await setState(page, level('global'), 'halted', '점검')
  const banner = await page.getByTestId('state-banner').innerText()
  await shot('3-halted')
  await page.getByTestId('nav-trade').click()
  await page.getByTestId('ticket-symbol').fill('005930')
  const isRefused = await eventually(() => page.getByTestId('ticket-submit').isDisabled(), Boolean)
  await shot('4-ticket-halted')
  await page.getByTestId('nav-controls').click()
  await page.getByTestId('tab-safety').click()
  await setState(page, level('global'), 'active', '')
  await page.getByTestId('state-banner').waitFor({ state: 'detached' })

  // A limit that asks back
  await page.getByTestId('tab-limits').click()
  await page.getByTestId('limits-owner').selectOption(`account:${accountId}`)
  await setLimit(page, '5', 'confirm')
  await shot('5-limits')
  await page.getByTestId('nav-trade').click()
  await page.getByTestId('ticket-symbol').fill('005930')
  await page.getByTestId('ticket-account').selectOption(accountId)
  await page.getByTestId('quote-price').waitFor()
  const price = (await page.getByTestId('quote-price').innerText()).replaceAll(',', '').trim()
  await page.getByTestId('ticket-side-buy').click()
  await page.getByTestId('ticket-price').fill(price)
  await page.getByTestId('ticket-quantity').fill('6')
  await page.getByTestId('ticket-submit').click()
  await page.getByTestId('ticket-confirm').click()
  await page.locator('[data-testid=risk-violations] [data-code=order_quantity]').waitFor()
  await shot('6-asked')
  const answered = page.waitForResponse((response) => response.url().endsWith('/api/v1/orders') && response.request().method() === 'POST')
  await page.getByTestId('ticket-confirm').click()
  const placed = await (await answered).json()
  await page.getByTestId('nav-controls').click()
  await page.getByTestId('tab-limits').click()
  await page.getByTestId('limits-owner').selectOption(`account:${accountId}`)
  await setLimit(page, '', 'confirm')

  // A webhook
  await page.getByTestId('tab-webhooks').click()
  await page.getByTestId('webhook-new').click()
  await page.getByTestId('webhook-url').fill(webhookUrl)
  await page.getByTestId('webhook-name').fill('ERP')
  await page.getByTestId('webhook-submit').click()
  const secret = await page.getByTestId('webhook-secret').innerText()
  await page.getByTestId('webhook-secret-noted').click()
  const webhook = page.getByTestId('webhook').last()
  await webhook.getByTestId('webhook-test').click()
  await webhook.getByTestId('webhook-log').click()
  await page.locator('[data-testid=delivery][data-status=delivered]').first().waitFor()
  await shot('9-webhook-log')
  await page.keyboard.press('Escape')
  await shot('10-webhooks')

  // What the report and the audit log say
  await page.getByTestId('tab-reports').click()
  await page.getByTestId('report').first().waitFor({ timeout: 60_000 })
  const reports = await eventually(() => page.getByTestId('report').count(), (count) => count >= 2)
  await shot('7-reports')
  await page.getByTestId('tab-audit').click()
  const filtered = page.waitForResponse((response) => response.url().includes('action=order.resolve'))
  await page.getByTestId('audit-action').fill('order.resolve')
  await filtered // before it, the unfiltered list or none is shown
  await page.locator('[data-testid=audit-entry]:not([data-action="order.resolve"])').first().waitFor({ state: 'detached' })
  await page.locator('[data-testid=audit-entry][data-action="order.resolve"]').first().waitFor()
  const resolvedEntries = await page.locator('[data-testid=audit-entry][data-action="order.resolve"]').count()
  await page.getByTestId('audit-verify').click()
  await page.getByTestId('audit-verified').waitFor()
  await shot('8-audit')
  const isSameDocument = await page.evaluate(() => window.isSameDocument === true)

  return {
    ok: badge === '1' && isRefused && banner.includes('점검') && reports >= 2 && resolvedEntries >= 1 && isSameDocument && !overflowing.length,
    badge,
    banner,
    is_refused: isRefused,
    placed,
    secret,
    reports,
    resolved_entries: resolvedEntries,
    is_same_document: isSameDocument,
    overflowing,
  }
}

async function setState(page, row, state, reason) {
  await row.getByTestId('state-change').click()
  await page.getByTestId(`state-${state}`).check()
  await page.getByTestId('state-reason').fill(reason)
  await page.getByTestId('state-submit').click()
  await page.getByTestId('state-dialog').waitFor({ state: 'detached' })
  await row.and(page.locator(`[data-state=${state}]`)).waitFor()
}

async function setLimit(page, text, action) {
  const answered = page.waitForResponse((response) => response.url().endsWith('/risk-limits') && response.request().method() === 'PUT')
  await page.getByTestId('limit-order_quantity').fill(text)
  if (text) await page.getByTestId('action-order_quantity').selectOption(action)
  await page.getByTestId('limits-save').click()
  await answered
}

const seen = await run().catch((error) => ({ ok: false, error: error.message }))
console.log(JSON.stringify(seen))
process.exitCode = seen.ok && !seen.failures.length ? 0 : 1
