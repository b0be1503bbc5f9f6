import { describe, expect, it } from 'vitest'
import { type Job, type JobRun, withRun } from './jobs'

const run = (id: string, status: JobRun['status']): JobRun => ({
  id,
  job: 'scrape_ipos',
  trigger: 'manual',
  started_by: null,
  attempt: 1,
  status,
  queued_at: '2026-11-24T00:00:00Z',
  started_at: null,
  ended_at: null,
  duration_seconds: null,
  progress: null,
  counts: {},
  error: null,
  retry_at: null,
  is_cancel_requested: false,
})
const job: Job = {
  name: 'scrape_ipos',
  summary: '',
  schedule: '0 0 * * *',
  default_schedule: '0 0 * * *',
  is_enabled: true,
  is_fixed: false,
  time_limit_seconds: 60,
  tries: 3,
  next_runs: [],
  live_run: null,
  last_run: null,
}

describe('a job and what is heard of its runs', () => {
  it('shows a run while it is live, and as the last one afterwards', () => {
    const running = withRun(withRun(job, run('2', 'queued')), run('2', 'running'))
    expect(running.live_run?.status).toBe('running')
    const ended = withRun(running, run('2', 'done'))
    expect([ended.live_run, ended.last_run?.status]).toEqual([null, 'done'])
  })
  it('does not wake a run whose end was heard before', () => {
    const ended = withRun(job, run('2', 'failed'))
    expect(withRun(ended, run('2', 'running'))).toEqual(ended)
  })
  it('keeps the newer last run, and another live one', () => {
    const busy = withRun(withRun(job, run('3', 'done')), run('4', 'running'))
    const heard = withRun(busy, run('2', 'lost'))
    expect([heard.live_run?.id, heard.last_run?.id]).toEqual(['4', '3'])
  })
})
