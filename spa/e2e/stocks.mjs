/**
 * The stock pages through the browser: a stock is found by its initial consonants, its page shows price, chart, book, facts, ratios and
 * opinions, it goes onto a watch list and to the ticket, it stands under the stocks looked at last, and the rankings lead to it.
 *
 *     node e2e/stocks.mjs <SPA URL> <user name> <password> <output folder> [desktop|phone]
 *
 * Prints one line of JSON with what it saw; exits 0 only if all of it is as it should be. Screenshots go to the output folder.
 */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { clickPrice, eventually, openBrowser, openPage, signIn } from './browser.mjs'

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
const SYMBOL = '005930'

async function run() {
  const [url, username, password, folder, device = 'desktop'] = process.argv.slice(2)
  if (!folder) throw new Error('usage: node e2e/stocks.mjs <SPA URL> <user name> <password> <output folder> [desktop|phone]')
  await mkdir(folder, { recursive: true })
  const browser = await openBrowser()
  try {
    const { page, failures } = await openPage(browser, device === 'phone' ? PHONE : {})
    try {
      return { ...(await look(page, { url, username, password, folder })), failures }
    } catch (error) {
      await page.screenshot({ path: join(folder, 'failed.png') })
      return { ok: false, error: error.message, at: page.url(), failures }
    }
  } finally {
    await browser.close()
  }
}

async function look(page, { url, username, password, folder }) {
  const overflowing = []
  const shot = async (shotName, options = {}) => {
    if (await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)) overflowing.push(shotName)
    await page.screenshot({ path: join(folder, `${shotName}.png`), ...options })
  }
  const whole = async (shotName) => {
    const height = await page.evaluate(() => document.getElementById('content').scrollHeight + 120)
    const size = page.viewportSize()
    await page.setViewportSize({ width: size.width, height: Math.max(size.height, height) })
    await shot(shotName)
    await page.setViewportSize(size)
  }
  await signIn(page, url, username, password)

  // Found by its initial consonants
  await page.getByTestId('nav-market').click()
  await page.getByTestId('stock-search').fill('ㅅㅅㅈㅈ')
  const found = page.locator(`[data-testid=stock-found][data-symbol="${SYMBOL}"]`)
  await found.waitFor()
  await shot('1-found')
  await found.click()

  // Its page
  await page.locator(`[data-testid=stock][data-symbol="${SYMBOL}"]`).waitFor()
  await page.getByTestId('stock-price').filter({ hasText: /\d/ }).waitFor()
  await page.getByTestId('chart').waitFor()
  const bookRows = await eventually(() => page.getByTestId('book-row').count(), (count) => count > 1)
  const facts = await page.getByTestId('stock-facts').filter({ hasText: '시가총액' }).innerText()
  for (const interval of ['1m', '1w', '1mo', '1d']) {
    const answered = page.waitForResponse((response) => response.url().includes('/candles/') && response.url().includes(`interval=${interval}`))
    if (interval === '1d') await page.getByTestId('interval-1d').click()
    else {
      await page.getByTestId(`interval-${interval}`).click()
      await answered
    }
    if (interval === '1d') answered.catch(() => undefined) // known already
    await page.getByTestId('chart').waitFor()
  }
  const countColours = (canvases) => {
    const count = { rising: 0, falling: 0 }
    for (const canvas of canvases) {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
      for (let at = 0; at < data.length; at += 4) {
        if (data[at + 3] < 200) continue
        if (data[at] - data[at + 2] > 90) count.rising += 1
        if (data[at + 2] - data[at] > 90) count.falling += 1
      }
    }
    return count
  }
  const areBothDrawn = ({ rising, falling }) => rising > 100 && falling > 100
  const colours = await eventually(() => page.getByTestId('chart').locator('canvas').evaluateAll(countColours), areBothDrawn)
  await whole('2-stock')

  // What brokers know of it
  await page.getByTestId('stock-financials').click()
  const statement = (kind, period) => page.locator(`[data-testid=financials][data-kind=${kind}][data-period=${period}]`)
  const months = page.getByTestId('financial-month')
  await statement('financial_ratio', 'year').waitFor()
  const years = await months.allInnerTexts()
  await page.getByTestId('financial-quarter').click()
  await statement('financial_ratio', 'quarter').waitFor()
  const quarters = await months.allInnerTexts()
  const figures = {}
  for (const kind of ['income_statement', 'balance_sheet', 'profit_ratio', 'stability_ratio', 'growth_ratio', 'other_ratio']) {
    await page.getByTestId(`financial-${kind}`).click()
    await statement(kind, 'quarter').waitFor()
    figures[kind] = await eventually(() => page.getByTestId('financial-row').count(), (count) => count >= 3)
    if (kind === 'income_statement') await whole('3-financials')
  }
  await page.getByTestId('stock-investors').click()
  const days = await eventually(() => page.getByTestId('investor-row').count(), (count) => count === 30)
  await shot('3-investors')
  await page.getByTestId('stock-opinions').click()
  const opinion = await page.getByTestId('opinion-row').first().filter({ hasText: '%' }).innerText()
  await page.emulateMedia({ colorScheme: 'dark' })
  await whole('4-opinions-dark')
  await page.emulateMedia({ colorScheme: 'light' })

  // Onto a watch list
  await page.getByTestId('stock-watch').click()
  await page.getByTestId('add-to-new').or(page.getByTestId('add-to-list').first()).waitFor()
  await shot('5-watch')
  await page.getByTestId('add-to-new').or(page.getByTestId('add-to-list').first()).first().click()
  await page.locator('[data-testid=toast].good').first().waitFor()
  await page.getByTestId('nav-watch').click()
  const watched = page.locator(`[data-testid=watch-row][data-symbol="${SYMBOL}"]`)
  await watched.waitFor()

  // More of them from the broker's own terminal
  await page.getByTestId('watch-import').click()
  await page.getByTestId('import-list').selectOption('group:001')
  await page.getByTestId('import-stock').first().waitFor()
  await shot('5-import')
  await page.getByTestId('import-submit').click()
  await page.locator('[data-testid=watch-row][data-symbol="035420"]').waitFor()
  const imported = await eventually(() => page.getByTestId('watch-row').count(), (count) => count === 3)
  await watched.getByTestId('stock-link').click()
  await page.locator(`[data-testid=stock][data-symbol="${SYMBOL}"]`).waitFor()

  // To the ticket, with a price out of the book and without
  const picked = await clickPrice(page.getByTestId('book-price').last())
  await page.getByTestId('quote-price').waitFor()
  const price = await eventually(() => page.getByTestId('ticket-price').inputValue(), (value) => value === picked)
  await page.waitForURL((url) => !url.search)
  await page.goBack()
  await page.getByTestId('stock-order').click()
  await page.getByTestId('quote-price').waitFor()
  const ticket = await eventually(() => page.getByTestId('ticket-symbol').inputValue(), (value) => value.includes('삼성전자'))

  // Among those looked at last
  await page.getByTestId('nav-market').click()
  await page.locator(`[data-testid=quote-row][data-symbol="${SYMBOL}"]`).filter({ hasText: '%' }).waitFor()
  await shot('6-recent')

  // Rankings
  await page.getByTestId('tab-rankings').click()
  await page.getByTestId('ranking-row').first().waitFor()
  const kinds = await page.locator('[data-testid^=ranking-]:not([data-testid=ranking-row])').evaluateAll((buttons) => buttons.map((button) => button.dataset.testid.slice('ranking-'.length)))
  const ranked = {}
  for (const kind of kinds) {
    await page.getByTestId(`ranking-${kind}`).click()
    await page.locator(`[data-testid=ranking][data-kind=${kind}]`).waitFor()
    ranked[kind] = await eventually(() => page.getByTestId('ranking-row').count(), (count) => count > 0)
  }
  await shot('7-rankings')
  await page.evaluate(() => window.localStorage.setItem('lucy-language', 'en'))
  await page.reload()
  await page.getByTestId('ranking-row').first().waitFor()
  await page.getByTestId('ranking-row').first().locator('.name').filter({ hasText: /[A-Za-z가-힣]{2}/ }).first().waitFor()
  await shot('8-rankings-english')
  await page.getByTestId('ranking-row').first().getByTestId('stock-link').click()
  await page.getByTestId('stock-price').filter({ hasText: /\d/ }).waitFor()
  await page.getByTestId('book-row').first().waitFor()
  await whole('9-stock-english')
  await page.evaluate(() => window.localStorage.removeItem('lucy-language'))

  // What one firm says
  await page.getByTestId('nav-market').click()
  await page.getByTestId('tab-firm-opinions').click()
  await page.getByTestId('firm').selectOption('901')
  await page.getByTestId('firm-opinion-row').first().waitFor()
  await shot('91-firm')
  const firmOpinion = await page.getByTestId('firm-opinion-row').first().filter({ hasText: '%' }).innerText()

  const isRanked = kinds.length === 14 && Object.values(ranked).every((count) => count > 0)
  return {
    ok: bookRows > 1 && areBothDrawn(colours) && facts.includes('시가총액') && years.length > 1 && years[1] !== quarters[1] && opinion.includes('%') && ticket.includes('삼성전자') && price === picked && isRanked && days === 30 && imported === 3 && firmOpinion.includes('%') && Object.values(figures).every((count) => count >= 3) && !overflowing.length,
    bookRows,
    colours,
    facts,
    years,
    quarters,
    opinion,
    ticket,
    prices: [picked, price],
    ranked,
    figures,
    days,
    imported,
    firmOpinion,
    overflowing,
  }
}

const seen = await run().catch((error) => ({ ok: false, error: error.message }))
console.log(JSON.stringify(seen))
process.exitCode = seen.ok && !seen.failures.length ? 0 : 1
