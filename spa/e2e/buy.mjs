/**
 * One order through the browser, end to end: sign in, buy at the current price, see the fill arrive without reloading, reload, still be
 * signed in and see the same fill, sign out.
 *
 *     node e2e/buy.mjs <SPA URL> <user name> <password> <output folder> [symbol] [quantity] [desktop|phone]
 *
 * Prints one line of JSON with what it saw; exits 0 only if all of it is as it should be. Screenshots go to the output folder.
 */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { clickPrice, eventually, openBrowser, openPage, signIn } from './browser.mjs'

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }

async function run() {
  const [url, username, password, folder, symbol = '005930', quantity = '3', device = 'desktop'] = process.argv.slice(2)
  if (!folder) throw new Error('usage: node e2e/buy.mjs <SPA URL> <user name> <password> <output folder> [symbol] [quantity] [desktop|phone]')
  await mkdir(folder, { recursive: true })
  const browser = await openBrowser()
  try {
    const { page, failures } = await openPage(browser, device === 'phone' ? PHONE : {})
    try {
      return { ...(await buy(page, { url, username, password, symbol, quantity, folder })), failures }
    } catch (error) {
      await page.screenshot({ path: join(folder, 'failed.png') })
      return { ok: false, error: error.message, at: page.url(), failures }
    }
  } finally {
    await browser.close()
  }
}

async function buy(page, { url, username, password, symbol, quantity, folder }) {
  const shot = (name) => page.screenshot({ path: join(folder, `${name}.png`) })
  await signIn(page, url, username, password)
  await page.evaluate(() => (window.isSameDocument = true))
  await shot('1-signed-in')

  await page.getByTestId('ticket-symbol').fill(symbol)
  await page.getByTestId('quote-price').waitFor()
  const market = await takePriceOfBook(page)
  await page.getByTestId('ticket-side-buy').click()
  const price = (await page.getByTestId('quote-price').innerText()).replaceAll(',', '').trim()
  await page.getByTestId('ticket-price').fill(price)
  await page.getByTestId('ticket-quantity').fill(quantity)
  await page.getByTestId('ticket-submit').click()
  await shot('2-confirm')

  const answered = page.waitForResponse((response) => response.url().endsWith('/api/v1/orders') && response.request().method() === 'POST')
  const sentAt = performance.now()
  await page.getByTestId('ticket-confirm').click()
  const response = await answered
  const order = await response.json()
  if (!response.ok()) throw new Error(`the order was refused: ${JSON.stringify(order)}`)

  await showBlotter(page)
  const row = page.locator(`[data-testid=order-row][data-order-id="${order.id}"]`)
  await row.and(page.locator('[data-status=filled]')).waitFor()
  const filledMilliseconds = Math.round(performance.now() - sentAt)
  await shot('3-filled')
  const fills = await countFills(page, order.id, Number(quantity))
  await shot('4-fills')
  const isSameDocument = await page.evaluate(() => window.isSameDocument === true)

  await page.reload()
  await page.locator('[data-testid=line-state][data-state=live]').waitFor()
  await showBlotter(page)
  await row.and(page.locator('[data-status=filled]')).waitFor()
  const fillsAfterReload = await countFills(page, order.id, Number(quantity))

  await page.getByTestId('sign-out').click()
  await page.getByTestId('login-username').waitFor()
  await page.reload()
  await page.getByTestId('login-username').waitFor()

  return {
    ok: isSameDocument && fills > 0 && fills === fillsAfterReload && market.taken === market.offered,
    market,
    order_id: order.id,
    client_order_id: order.client_order_id,
    http_status: response.status(),
    price: Number(price),
    quantity: Number(quantity),
    filled_milliseconds: filledMilliseconds,
    fills,
    fills_after_reload: fillsAfterReload,
    is_same_document: isSameDocument,
  }
}

// The order book and the chart are there, and a click on a price of the book puts it on the ticket.
async function takePriceOfBook(page) {
  const section = page.getByTestId('section-market')
  if (await section.isVisible()) await section.click()
  await page.getByTestId('chart').locator('canvas').first().waitFor()
  const offered = await clickPrice(page.locator('[data-testid=book-row][data-side=bid]').last().getByTestId('book-price'))
  return { offered, taken: await eventually(() => page.getByTestId('ticket-price').inputValue(), (price) => price === offered) }
}

// On a narrow screen ticket, orders and positions take turns.
async function showBlotter(page) {
  const section = page.getByTestId('section-blotter')
  await page.getByTestId('ticket-symbol').waitFor() // after a reload, nothing is there at first
  if (await section.isVisible()) await section.click()
}

// How many fills are listed, once they make up the whole quantity.
async function countFills(page, orderId, quantity) {
  await page.getByTestId('blotter-fills').click()
  const cells = page.locator(`[data-testid=fill-row][data-order-id="${orderId}"] .quantity`)
  const quantities = await eventually(
    async () => (await cells.allInnerTexts()).map((text) => Number(text.replaceAll(',', ''))),
    (each) => each.reduce((sum, one) => sum + one, 0) === quantity,
  )
  await page.getByTestId('blotter-all').click()
  return quantities.length
}

const seen = await run().catch((error) => ({ ok: false, error: error.message }))
console.log(JSON.stringify(seen))
process.exitCode = seen.ok && !seen.failures.length ? 0 : 1
