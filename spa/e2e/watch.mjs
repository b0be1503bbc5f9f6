/**
 * Watch lists through the browser: the usual lists are made, stocks are added, notes and prices written in place, a price that crosses its
 * target shows as a note and in the history, the order button opens the ticket, the holdings show.
 *
 *     node e2e/watch.mjs <SPA URL> <user name> <password> <output folder> <sandbox control URL> <symbol> <part of its name> [desktop|phone]
 *
 * Prints one line of JSON with what it saw; exits 0 only if all of it is as it should be. Screenshots go to the output folder.
 */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually, openBrowser, openPage, signIn } from './browser.mjs'

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
const CROSSING_MILLISECONDS = 60_000

async function run() {
  const [url, username, password, folder, controlUrl, symbol, name, device = 'desktop'] = process.argv.slice(2)
  if (!name) throw new Error('usage: node e2e/watch.mjs <SPA URL> <user name> <password> <output folder> <control URL> <symbol> <name> [desktop|phone]')
  await mkdir(folder, { recursive: true })
  const browser = await openBrowser()
  try {
    const { page, failures } = await openPage(browser, device === 'phone' ? PHONE : {})
    try {
      return { ...(await watch(page, { url, username, password, folder, controlUrl, symbol, name })), failures }
    } catch (error) {
      await page.screenshot({ path: join(folder, 'failed.png') })
      return { ok: false, error: error.message, at: page.url(), failures }
    }
  } finally {
    await browser.close()
  }
}

async function watch(page, { url, username, password, folder, controlUrl, symbol, name }) {
  const overflowing = []
  const shot = async (shotName) => {
    if (await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)) overflowing.push(shotName)
    await page.screenshot({ path: join(folder, `${shotName}.png`) })
  }
  const market = async (price) => {
    const address = `${controlUrl}/market/${symbol}`
    const answer = await (price ? page.request.put(address, { data: { price } }) : page.request.get(address))
    if (!answer.ok()) throw new Error(`the sandbox answered ${answer.status()}: ${await answer.text()}`)
    return answer.json()
  }
  await signIn(page, url, username, password)
  await page.getByTestId('nav-watch').click()

  // The usual lists, once
  await page.getByTestId('watch-defaults').or(page.getByTestId('watch-tab').first()).waitFor()
  if (await page.getByTestId('watch-defaults').isVisible()) {
    await shot('0-none')
    await page.getByTestId('watch-defaults').click()
  }
  const tab = (kind) => page.locator(`[data-testid=watch-tab][data-kind=${kind}]`)
  await tab('day_trade').waitFor()

  // By name from the list, and by code
  await tab('interest').click()
  const row = (of) => page.locator(`[data-testid=watch-row][data-symbol="${of}"]`)
  await page.getByTestId('watch-add').fill(name)
  await page.getByRole('option').filter({ hasText: symbol }).click()
  await row(symbol).waitFor()
  await page.getByTestId('watch-add').fill('114800')
  await row('114800').waitFor()
  const added = await page.getByTestId('watch-row').count()

  // What is written stays
  await row(symbol).getByTestId('watch-price').filter({ hasText: /\d/ }).waitFor()
  const { price: before, upper_limit: upper } = await market()
  const target = Math.min(before + 1_000, upper)
  await write(page, row(symbol).getByTestId('watch-target'), String(target))
  await write(page, row(symbol).getByTestId('watch-note'), '실적 발표 뒤 확인')
  await write(page, row('114800').getByTestId('watch-stop'), '100')
  await page.reload()
  await row(symbol).getByTestId('watch-price').filter({ hasText: /\d/ }).waitFor()
  const fields = async () => [await row(symbol).getByTestId('watch-target').inputValue(), await row(symbol).getByTestId('watch-note').inputValue()]
  const areWritten = ([price, note]) => price.replaceAll(',', '') === String(target) && note === '실적 발표 뒤 확인'
  const written = await eventually(fields, areWritten)
  await page.locator('[data-testid=line-state][data-state=live]').waitFor()
  await shot('1-list')

  // The price reaches its target
  await market(target)
  await page.locator('[data-testid=toast].buy').first().waitFor({ timeout: CROSSING_MILLISECONDS })
  const toast = await page.locator('[data-testid=toast].buy').first().innerText()
  await page.locator(`[data-testid=watch-alert][data-symbol="${symbol}"][data-level=target]`).first().waitFor()
  await row(symbol).locator('.reached').waitFor()
  await shot('2-alert')
  await market(before)

  // Holdings
  await tab('held').click()
  await page.getByTestId('watch-quantity').first().waitFor()
  const holdings = await page.getByTestId('watch-row').count()
  await page.locator('[data-testid=watch-row] .change').filter({ hasText: '%' }).first().waitFor()
  await page.emulateMedia({ colorScheme: 'dark' })
  await shot('3-held-dark')
  await tab('interest').click()
  await row(symbol).getByTestId('watch-price').filter({ hasText: /\d/ }).waitFor()
  await shot('4-list-dark')
  await page.emulateMedia({ colorScheme: 'light' })

  // Moved up, taken off, ordered
  await row('114800').getByTestId('watch-up').click()
  await page.locator(`[data-testid=watch-row][data-symbol="114800"] + [data-testid=watch-row][data-symbol="${symbol}"]`).waitFor()
  await row('114800').getByTestId('watch-remove').click()
  await row('114800').waitFor({ state: 'detached' })
  await row(symbol).getByTestId('watch-order').click()
  await page.getByTestId('ticket-symbol').waitFor()
  await page.getByTestId('quote-price').waitFor()
  const ticket = await eventually(() => page.getByTestId('ticket-symbol').inputValue(), (value) => value.includes(name))
  await shot('5-ticket')

  // In English
  await page.evaluate(() => window.localStorage.setItem('lucy-language', 'en'))
  await page.reload()
  await page.getByTestId('nav-watch').click()
  await row(symbol).getByTestId('watch-price').filter({ hasText: /\d/ }).waitFor()
  await shot('6-english')
  await page.evaluate(() => window.localStorage.removeItem('lucy-language'))

  return {
    ok: added >= 2 && areWritten(written) && toast.includes(name) && holdings > 0 && ticket.includes(name) && !overflowing.length,
    added,
    written,
    toast,
    holdings,
    ticket,
    overflowing,
  }
}

async function write(page, field, text) {
  const answered = page.waitForResponse((response) => response.request().method() === 'PATCH' && response.url().includes('/items/'))
  await field.fill(text)
  await field.press('Enter')
  const answer = await answered
  if (!answer.ok()) throw new Error(`${answer.status()} for ${text}`)
}

const seen = await run().catch((error) => ({ ok: false, error: error.message }))
console.log(JSON.stringify(seen))
process.exitCode = seen.ok && !seen.failures.length ? 0 : 1
