/** A headless Chromium that needs no system package: from the npm package, unpacked to a temporary folder on first use. */

import chromium from '@sparticuz/chromium'
import { chromium as playwright } from 'playwright-core'

const PATIENCE_MILLISECONDS = 45_000
const GLANCE_MILLISECONDS = 50
// Not the package's own: they draw by software 3D, all in one process, and switch the checks of cross-origin calls off.
const ARGUMENTS = ['--headless=shell', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--font-render-hinting=none']

export async function openBrowser() {
  return playwright.launch({ executablePath: process.env.LUCY_CHROMIUM ?? (await chromium.executablePath()), args: ARGUMENTS, headless: true })
}

/** A page with everything that went wrong on it: uncaught errors, errors on the console, and answers of 500 and above. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ locale: 'ko-KR', viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE_MILLISECONDS)
  const failures = []
  page.on('pageerror', (error) => failures.push(`page: ${error.message}`))
  // What the API refuses is on the console too, without its address; the answers below tell more.
  page.on('console', (message) => message.type() === 'error' && !message.text().startsWith('Failed to load resource') && failures.push(`console: ${message.text()}`))
  page.on('response', (response) => {
    const { pathname, search } = new URL(response.url())
    // Nobody is signed in yet when the page asks for the first time.
    if (response.status() >= 400 && pathname !== '/api/v1/auth/refresh') failures.push(`${response.status()} ${response.request().method()} ${pathname}${search}`)
  })
  return { page, failures }
}

/** What `read` gives once it is as expected: a page fills in bit by bit. If it never is, what it gave last, for the script's checks to tell. */
export async function eventually(read, isExpected) {
  const until = performance.now() + PATIENCE_MILLISECONDS
  for (;;) {
    const seen = await read()
    if (isExpected(seen) || performance.now() > until) return seen
    await new Promise((resolve) => setTimeout(resolve, GLANCE_MILLISECONDS))
  }
}

/** Click a price of the order book and say which it was, in one go: the book goes on changing. */
export async function clickPrice(button) {
  return button.evaluate((each) => {
    each.click()
    return each.querySelector('span').textContent.trim()
  })
}

export async function signIn(page, url, username, password) {
  await page.goto(url)
  await page.getByTestId('login-username').fill(username)
  await page.getByTestId('login-password').fill(password)
  await page.getByTestId('login-submit').click()
  await page.locator('[data-testid=line-state][data-state=live]').waitFor()
}
