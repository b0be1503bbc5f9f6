/**
 * Public offerings and themes through the browser, after their jobs have run: the list, one offering whose applicants are typed in, the
 * month with its holidays and its file, the themes, one of them, and a screen that is shared as a link and downloaded.
 *
 *     node e2e/market.mjs <SPA URL> <user name> <password> <output folder> <JSON: offering, holiday> [desktop|phone]
 *
 * Prints one line of JSON with what it saw; exits 0 only if all of it is as it should be. Screenshots and files go to the output folder.
 */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually, openBrowser, openPage, signIn } from './browser.mjs'

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }

async function run() {
  const [url, username, password, folder, told, device = 'desktop'] = process.argv.slice(2)
  if (!told) throw new Error('usage: node e2e/market.mjs <SPA URL> <user name> <password> <output folder> <JSON> [desktop|phone]')
  await mkdir(folder, { recursive: true })
  const browser = await openBrowser()
  try {
    const { page, failures } = await openPage(browser, device === 'phone' ? PHONE : {})
    try {
      await signIn(page, url, username, password)
      return { ...(await look(page, url, folder, JSON.parse(told))), failures }
    } catch (error) {
      await page.screenshot({ path: join(folder, 'failed.png') })
      return { ok: false, error: error.message, at: page.url(), failures }
    }
  } finally {
    await browser.close()
  }
}

async function look(page, url, folder, { offering, holiday }) {
  const overflowing = []
  const shot = async (name) => {
    for (const colorScheme of ['dark', 'light']) {
      await page.emulateMedia({ colorScheme })
      if (await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)) overflowing.push(name)
      await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) })
    }
  }
  const saved = async (testid, name) => {
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByTestId(testid).click()])
    await file.saveAs(join(folder, name))
    return name
  }

  // The list
  await page.getByTestId('nav-market').click()
  await page.getByTestId('tab-ipos').click()
  await page.getByTestId('ipo').first().waitFor()
  await shot('1-ipos')
  await page.getByTestId('ipo-search').fill(offering.name)
  const row = page.locator(`[data-testid=ipo][data-site-no="${offering.site_no}"]`)
  await row.waitFor()
  await row.getByRole('link').click()

  // One offering
  await page.getByTestId('ipo-applicants').first().fill('10,000')
  await page.getByTestId('ipo-notes').fill('균등만')
  await page.getByTestId('ipo-save').click()
  const equal = page.getByTestId('ipo-equal').first()
  await equal.filter({ hasText: /\d/ }).waitFor()
  const equalShares = await equal.innerText()
  await shot('2-ipo')

  // The month
  await page.getByTestId('tab-ipo-calendar').click()
  await page.getByTestId('calendar-event').first().waitFor()
  const events = await page.getByTestId('calendar-event').count()
  await shot('3-month')
  const calendar = await saved('calendar-file', 'ipos.ics')
  await page.goto(`${url}/market/calendar?month=${holiday.slice(0, 7)}`)
  const holidayName = await page.locator(`[data-testid=day][data-day="${holiday}"] [data-testid=holiday]`).innerText()

  // Themes
  await page.getByTestId('tab-themes').click()
  const themes = await eventually(() => page.getByTestId('theme').count(), (count) => count >= 50)
  await shot('4-themes')
  await page.getByTestId('theme-search').fill('반도체')
  await page.waitForFunction(() => document.querySelectorAll('[data-testid=theme]').length === 1)
  await page.getByTestId('theme').click()
  await page.getByTestId('theme-stock').first().waitFor()
  await page.getByTestId('theme-chart').locator('canvas').first().waitFor()
  await shot('5-theme')
  await page.getByTestId('theme-stock').first().getByRole('link').first().click()
  const membership = await page.getByTestId('stock-themes').getByText('반도체').innerText()

  // A screen, its link and its file
  await page.getByTestId('tab-screener').click()
  const all = await page.getByTestId('screen-total').filter({ hasText: /\d/ }).innerText()
  await page.getByTestId('screen-per-max').fill('12')
  await page.getByTestId('screen-per-max').press('Enter')
  const cheap = await another(page, all)
  await page.getByTestId('market-kospi').click()
  const total = await another(page, cheap)
  const link = page.url()
  await shot('6-screen')
  const file = await saved('screen-csv', 'stocks.csv')
  await page.goto(link)
  const sharedTotal = await eventually(() => page.getByTestId('screen-total').innerText(), (text) => text === total)
  const shared = { total: sharedTotal, perMax: await page.getByTestId('screen-per-max').inputValue() }
  return {
    ok: !overflowing.length && events > 0 && themes >= 50 && total !== all && shared.total === total && shared.perMax === '12',
    overflowing,
    equalShares,
    events,
    holidayName,
    themes,
    membership,
    total,
    shared,
    calendar,
    file,
  }
}

/** How many stocks pass, once that is another figure. */
async function another(page, before) {
  const total = page.getByTestId('screen-total')
  await page.waitForFunction((text) => ![text, '', undefined].includes(document.querySelector('[data-testid=screen-total]')?.innerText), before)
  return total.innerText()
}

const seen = await run().catch((error) => ({ ok: false, error: error.message, failures: [] }))
console.log(JSON.stringify(seen))
process.exitCode = seen.ok && !seen.failures.length ? 0 : 1
