/**
 * Jobs through the browser: the offerings are read by hand with the progress going on by itself, the log is looked at, the schedule is moved
 * and put back, and a reading that takes too long is stopped.
 *
 *     node e2e/jobs.mjs <SPA URL> <user name> <password> <output folder> [desktop|phone]
 *
 * Prints one line of JSON with what it saw; exits 0 only if all of it is as it should be. Screenshots go to the output folder.
 */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openBrowser, openPage, signIn } from './browser.mjs'

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
const EXPECTED = ['422 PATCH /api/v1/jobs/scrape_ipos'] // the schedule that is none

async function run() {
  const [url, username, password, folder, device = 'desktop'] = process.argv.slice(2)
  if (!folder) throw new Error('usage: node e2e/jobs.mjs <SPA URL> <user name> <password> <output folder> [desktop|phone]')
  await mkdir(folder, { recursive: true })
  const browser = await openBrowser()
  try {
    const { page, failures } = await openPage(browser, device === 'phone' ? PHONE : {})
    try {
      await signIn(page, url, username, password)
      const seen = await work(page, folder)
      return { ...seen, failures: failures.filter((failure) => !EXPECTED.includes(failure)) }
    } catch (error) {
      await page.screenshot({ path: join(folder, 'failed.png') })
      return { ok: false, error: error.message, at: page.url(), failures }
    }
  } finally {
    await browser.close()
  }
}

async function work(page, folder) {
  const overflowing = []
  const shot = async (name) => {
    if (await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)) overflowing.push(name)
    await page.screenshot({ path: join(folder, `${name}.png`) })
  }
  await page.getByTestId('nav-controls').click()
  await page.getByTestId('tab-jobs').click()
  const job = page.locator('[data-testid=job][data-job=scrape_ipos]')

  // A run by hand, whose progress comes by itself; a short one may be over before it is looked at
  const steps = new Set()
  await page.exposeFunction('noteStep', (text) => steps.add(text))
  await page.evaluate(() => {
    const watch = () => {
      const text = document.querySelector('[data-job=scrape_ipos] [data-testid=job-progress]')?.textContent
      if (text) void window.noteStep(text)
    }
    new window.MutationObserver(watch).observe(document.body, { subtree: true, childList: true, characterData: true })
  })
  const started = page.waitForResponse((response) => response.url().endsWith('/jobs/scrape_ipos/run') && response.request().method() === 'POST')
  await job.getByTestId('job-run').click()
  const { id } = await (await started).json()
  const done = page.locator(`[data-testid=job][data-run-id="${id}"][data-status=done]`)
  await done.or(job.getByTestId('job-progress')).first().waitFor()
  await shot('1-running')
  await done.waitFor({ timeout: 60_000 })
  await shot('2-done')
  const model = page.locator('[data-testid=job][data-job=fit_ipo_model][data-status=done]')
  await model.waitFor()

  // Its log
  await job.getByTestId('job-history').click()
  await page.getByTestId('job-run-row').first().getByRole('button').click()
  await page.getByTestId('job-log').locator('p').first().waitFor()
  const lines = await page.getByTestId('job-log').locator('p').count()
  await shot('3-log')
  await page.keyboard.press('Escape')

  // Its schedule
  await job.getByTestId('job-schedule').click()
  await page.getByTestId('job-schedule-text').fill('every monday')
  await page.getByTestId('job-schedule-save').click()
  await page.locator('dialog [role=alert]').waitFor()
  await shot('4-schedule')
  await page.getByTestId('job-schedule-text').fill('15 9 * * 1-5')
  await page.getByTestId('job-schedule-save').click()
  await job.getByText('15 9 * * 1-5').waitFor()
  await job.getByTestId('job-switch').click()
  await job.getByText('꺼짐').waitFor()
  await job.getByTestId('job-switch').click()
  await job.getByText('꺼짐').waitFor({ state: 'detached' })

  // A run that is stopped: it waits for a worker for up to two seconds, and may just have begun
  await job.getByTestId('job-run').click()
  await job.getByTestId('job-cancel').click()
  await job.getByTestId('job-run').waitFor()
  await page.emulateMedia({ colorScheme: 'dark' })
  await shot('5-stopped-dark')
  return { ok: !overflowing.length, overflowing, steps: steps.size, lines }
}

const seen = await run().catch((error) => ({ ok: false, error: error.message }))
console.log(JSON.stringify(seen))
process.exitCode = seen.ok && !seen.failures.length ? 0 : 1
