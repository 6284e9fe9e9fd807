import { Logger, makeWorkerUtils, run, type TaskList } from 'graphile-worker'
import { Batches } from '../batches.js'
import { benchSender, plainClient, POOL_SIZE } from '../engine.js'
import type { BenchEvent } from '../payload.js'
import type { Contender, ContenderOptions, Job, Result } from './contender.js'
import { jobSender } from './send-job.js'

/**
 * What https://worker.graphile.org/docs/performance advises for throughput: jobs are added many at a time, fetched in
 * batches of 500 into a local queue, and completed in batches (`completeJobBatchDelay`: a few milliseconds do best here).
 * It polls often, since it misses an announcement now and then, and the last jobs of a round would lie until it does. Jobs
 * wait for the network and for the batch that records them, so many run at the same time.
 */
const CONCURRENCY = 256
const PRESET = { worker: { pollInterval: 50, localQueue: { size: 500, refetchDelay: { durationMs: 10 } }, completeJobBatchDelay: 10, failJobBatchDelay: 10 } }
const MAX_ATTEMPTS = 10
/** How long the first result waits for others, in milliseconds: what the engine's own recorder waits. */
const GATHER_MS = 5

/** A job that is done is deleted, so results go to a table of our own, before the job is done, in batches. */
export async function startGraphileWorker ({ databaseUrl, targets, onSent }: ContenderOptions): Promise<Contender> {
  const sql = plainClient(databaseUrl, 4)
  await sql`create table if not exists public.results (job_id uuid not null, status int not null, duration_ms int not null, at timestamptz not null default now())`
  const sender = benchSender()
  const send = jobSender(sender, targets, onSent)
  const results = new Batches<Result & { id: string }>(async (batch) => {
    await sql`insert into public.results (job_id, status, duration_ms) select * from unnest(
      ${batch.map(({ id }) => id)}::uuid[], ${batch.map(({ status }) => status)}::int[], ${batch.map(({ durationMs }) => durationMs)}::int[])`
  }, GATHER_MS)
  const taskList: TaskList = {
    deliver: async (payload) => {
      const { event } = payload as Job
      await results.add({ id: event.id, ...await send(event) })
    }
  }
  const logger = new Logger(() => () => {})
  const utils = await makeWorkerUtils({ connectionString: databaseUrl, maxPoolSize: POOL_SIZE, logger })
  await utils.migrate()
  const runner = await run({ connectionString: databaseUrl, maxPoolSize: POOL_SIZE, concurrency: CONCURRENCY, noHandleSignals: true, preset: PRESET, taskList, logger })
  const jobs = new Batches<BenchEvent>(async (events) => {
    await utils.addJobs(events.map((event) => ({ identifier: 'deliver', payload: { event } satisfies Job, maxAttempts: MAX_ATTEMPTS })))
  })
  const count = async (query: PromiseLike<Array<{ count: number }>>) => (await query)[0]?.count ?? NaN
  return {
    accept: async (event) => await jobs.add(event),
    pending: async () => await count(sql<Array<{ count: number }>>`select count(*)::int as count from graphile_worker.jobs`),
    recorded: async () => await count(sql<Array<{ count: number }>>`select count(*)::int as count from public.results where status between 200 and 299`),
    stop: async () => {
      await runner.stop()
      await utils.release()
      await sender.close()
      await sql.end({ timeout: 5 })
    }
  }
}
