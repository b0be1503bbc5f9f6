/**
 * A basket through the browser: a wrong file is told row by row, a good one is dropped, checked, confirmed and sent; a fill arrives without
 * reloading, what a limit held back is confirmed and sent, and all of it is still there after a reload.
 *
 *     node e2e/basket.mjs <SPA URL> <user name> <password> <output folder> <wrong file> <good file> [desktop|phone]
 *
 * Prints one line of JSON with what it saw; exits 0 only if all of it is as it should be. Screenshots go to the output folder.
 */

import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openBrowser, openPage, signIn } from './browser.mjs'

const DEVICES = {
  desktop: { colorScheme: 'light' },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: 'dark' },
}
const EXPECTED = ['422 POST /api/v1/orders/basket?dry_run=true&allow_duplicates=false'] // the wrong file

async function run() {
  const [url, username, password, folder, wrong, good, device = 'desktop'] = process.argv.slice(2)
  if (!good) throw new Error('usage: node e2e/basket.mjs <SPA URL> <user name> <password> <output folder> <wrong file> <good file> [desktop|phone]')
  await mkdir(folder, { recursive: true })
  const browser = await openBrowser()
  try {
    const { page, failures } = await openPage(browser, DEVICES[device])
    try {
      const seen = await send(page, { url, username, password, folder, wrong, good })
      return { ...seen, failures: failures.filter((failure) => !EXPECTED.includes(failure)) }
    } catch (error) {
      await page.screenshot({ path: join(folder, 'failed.png') })
      return { ok: false, error: error.message, at: page.url(), failures }
    }
  } finally {
    await browser.close()
  }
}

async function send(page, { url, username, password, folder, wrong, good }) {
  const overflowing = []
  const shot = async (name) => {
    if (await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)) overflowing.push(name)
    await page.screenshot({ path: join(folder, `${name}.png`) })
  }
  await signIn(page, url, username, password)
  await page.evaluate(() => (window.isSameDocument = true))
  await page.getByTestId('ticket-basket').click()

  // The file to begin with
  const downloading = page.waitForEvent('download')
  await page.getByTestId('basket-template').click()
  const template = await readFile(await (await downloading).path(), 'utf8')

  // A wrong file
  await page.getByTestId('basket-file').setInputFiles(wrong)
  await page.getByTestId('basket-wrong').waitFor()
  const problems = await page.getByTestId('basket-problem-row').evaluateAll((rows) =>
    rows.flatMap((row) =>
      [...row.querySelectorAll('[data-testid=basket-problem]')].map((problem) => [Number(row.dataset.row), problem.dataset.field, problem.dataset.code]),
    ),
  )
  await shot('1-wrong')

  // A good one, dropped
  await drop(page, await readFile(good))
  await page.getByTestId('basket-review').waitFor()
  const bought = await page.getByTestId('basket-buy').innerText()
  await shot('2-checked')
  await page.getByTestId('basket-review').click()
  await shot('3-confirm')
  const answered = page.waitForResponse((response) => response.url().includes('client_basket_id') && response.request().method() === 'POST')
  await page.getByTestId('basket-confirm').click()
  const results = await (await answered).json()

  // What became of it, and the rest after a limit was confirmed
  const result = page.getByTestId('basket-result')
  await result.and(page.locator('[data-sent="2"][data-unsent="1"]')).waitFor()
  await page.locator('[data-testid=basket-row][data-row="2"][data-status=filled]').waitFor()
  await shot('4-result')
  await page.getByTestId('basket-resume').click()
  await page.locator('[data-testid=risk-violations] [data-code=order_quantity]').waitFor()
  await shot('5-limit')
  await page.getByTestId('basket-resume-confirm').click()
  await result.and(page.locator('[data-sent="3"][data-unsent="0"]')).waitFor()
  const isSameDocument = await page.evaluate(() => window.isSameDocument === true)

  await page.reload()
  await result.and(page.locator('[data-sent="3"][data-unsent="0"]')).waitFor()
  await shot('6-reloaded')
  await page.getByTestId('basket-another').click()
  await page.getByTestId('basket-recent').first().waitFor()
  await shot('7-recent')

  return {
    ok: isSameDocument && template.includes('005930') && !overflowing.length,
    basket_id: results.id,
    first_codes: results.items.map(({ status_code }) => status_code),
    problems,
    bought,
    is_same_document: isSameDocument,
    overflowing,
  }
}

async function drop(page, content) {
  const files = await page.evaluateHandle((encoded) => {
    const transfer = new window.DataTransfer()
    const bytes = Uint8Array.from(window.atob(encoded), (letter) => letter.charCodeAt(0))
    transfer.items.add(new window.File([bytes], '바스켓.csv', { type: 'text/csv' }))
    return transfer
  }, content.toString('base64'))
  await page.locator('label:has([data-testid=basket-file])').dispatchEvent('drop', { dataTransfer: files })
}

const seen = await run().catch((error) => ({ ok: false, error: error.message }))
console.log(JSON.stringify(seen))
process.exitCode = seen.ok && !seen.failures.length ? 0 : 1
