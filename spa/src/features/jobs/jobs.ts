import { type QueryClient, useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api, must, type Schemas } from '@/lib/client'
import { keys } from '@/lib/queries'

export type Job = Schemas['Job']
export type JobRun = Schemas['JobRun']

const REFRESH_MILLISECONDS = 15_000 // events tell admins of each change; this tells traders, and what an event did not

export const RUN_TONES = { queued: 'neutral', running: 'live', done: 'good', failed: 'warning', canceled: 'muted', lost: 'warning' } as const

export const isLive = (run: JobRun): boolean => run.status === 'queued' || run.status === 'running'

export function useJobs() {
  return useQuery({
    queryKey: keys.jobs,
    queryFn: () => must(api().GET('/api/v1/jobs')),
    select: (list: Schemas['JobList']) => list.items,
    refetchInterval: REFRESH_MILLISECONDS,
  })
}

export function useJobRuns(job: MaybeRefOrGetter<string>) {
  return useInfiniteQuery(
    computed(() => ({
      queryKey: keys.jobRuns(toValue(job)),
      queryFn: ({ pageParam }: { pageParam: string | null }) =>
        must(api().GET('/api/v1/job-runs', { params: { query: { job: toValue(job), limit: 20, ...(pageParam ? { cursor: pageParam } : {}) } } })),
      initialPageParam: null as string | null,
      getNextPageParam: (page: Schemas['JobRunPage']) => page.next_cursor,
    })),
  )
}

/** A run with its log, read anew while it is live. */
export function useJobRun(runId: MaybeRefOrGetter<string>) {
  return useQuery(
    computed(() => ({
      queryKey: keys.jobRun(toValue(runId)),
      queryFn: () => must(api().GET('/api/v1/job-runs/{run}', { params: { path: { run: toValue(runId) } } })),
      refetchInterval: ({ state }: { state: { data?: Schemas['JobRunLog'] | undefined } }) => (state.data && !isLive(state.data.run) ? false : 1_000),
    })),
  )
}

export function useJobActions() {
  const queryClient = useQueryClient()
  return {
    start: useMutation({
      mutationFn: (name: string) => must(api().POST('/api/v1/jobs/{name}/run', { params: { path: { name } } })),
      onSuccess: (run) => applyRun(queryClient, run),
    }),
    cancel: useMutation({
      mutationFn: (run: string) => must(api().POST('/api/v1/job-runs/{run}/cancel', { params: { path: { run } } })),
      onSuccess: (run) => applyRun(queryClient, run),
    }),
    change: useMutation({
      mutationFn: ({ name, body }: { name: string; body: Schemas['ChangeJob'] }) => must(api().PATCH('/api/v1/jobs/{name}', { params: { path: { name } }, body })),
      onSuccess: (job) =>
        queryClient.setQueryData<Schemas['JobList']>(keys.jobs, (list) => list && { ...list, items: list.items.map((each) => (each.name === job.name ? job : each)) }),
    }),
  }
}

/** A run's new state into the lists; one older than what is shown changes nothing. */
export function applyRun(queryClient: QueryClient, run: JobRun): void {
  queryClient.setQueryData<Schemas['JobList']>(keys.jobs, (list) => list && { ...list, items: list.items.map((job) => (job.name === run.job ? withRun(job, run) : job)) })
  if (!isLive(run)) {
    void queryClient.invalidateQueries({ queryKey: keys.jobRuns(run.job) })
    void queryClient.invalidateQueries({ queryKey: keys.jobRun(run.id) })
    for (const queryKey of run.status === 'done' ? (FED[run.job] ?? []) : []) void queryClient.invalidateQueries({ queryKey })
  }
}

/** What a job that ended well has made new. */
const FED: Record<string, readonly (readonly string[])[]> = {
  scrape_ipos: [keys.allIpos],
  fit_ipo_model: [keys.allIpos],
  scrape_themes: [keys.allThemes],
}

export function withRun(job: Job, run: JobRun): Job {
  if (job.last_run?.id === run.id && isLive(run)) return job // its end was heard before
  if (isLive(run)) return { ...job, live_run: run }
  const isNewer = !job.last_run || run.id >= job.last_run.id
  return { ...job, live_run: job.live_run?.id === run.id ? null : job.live_run, last_run: isNewer ? run : job.last_run }
}
