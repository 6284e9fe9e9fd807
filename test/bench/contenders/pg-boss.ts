import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Batches } from '../batches.js'
import { benchSender, plainClient, POOL_SIZE } from '../engine.js'
import type { BenchEvent } from '../payload.js'
import type { Contender, ContenderOptions, Job } from './contender.js'
import { jobSender } from './send-job.js'

/**
 * What https://pgboss.io/api/workers and /api/jobs offer for throughput: jobs are inserted many at a time and fetched in
 * batches; a worker that got a full batch fetches again at once (`burstWhenBatchFull`), and one that sleeps is woken by
 * LISTEN/NOTIFY, or by polling as often as it can. Results are its own: each job's output stays with it.
 */
const WORK = { batchSize: 500, localConcurrency: 4, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5, notifyPollingIntervalSeconds: 0.5, perJobResults: true }
const QUEUE = { retryLimit: 10, retryDelay: 5, retryBackoff: true, notify: true }
const QUEUE_NAME = 'deliver'

/** It needs Node 22, so it is not among our dependencies, but installed by itself, together with such a Node. */
export const PG_BOSS_FOLDER = '.cache/bench/pg-boss'

/** The parts of pg-boss that are used here. */
interface PgBoss {
  on: (event: 'error', listener: (error: unknown) => void) => void
  start: () => Promise<unknown>
  stop: (options: { graceful: boolean, timeout: number }) => Promise<void>
  createQueue: (name: string, options: typeof QUEUE) => Promise<void>
  insert: (name: string, jobs: Array<{ data: Job }>) => Promise<unknown>
  work: (name: string, options: typeof WORK, handler: (jobs: Array<{ id: string, data: Job }>) => Promise<unknown[]>) => Promise<unknown>
}

export async function startPgBoss ({ databaseUrl, targets, onSent }: ContenderOptions): Promise<Contender> {
  const sql = plainClient(databaseUrl, 1)
  const module = await import(pathToFileURL(join(process.cwd(), PG_BOSS_FOLDER, 'node_modules/pg-boss/dist/index.js')).href) as { PgBoss: new (options: object) => PgBoss }
  const boss = new module.PgBoss({ connectionString: databaseUrl, max: POOL_SIZE, useListenNotify: true })
  boss.on('error', (error) => process.stderr.write(`pg-boss: ${String(error)}\n`))
  await boss.start()
  await boss.createQueue(QUEUE_NAME, QUEUE)
  const sender = benchSender()
  const send = jobSender(sender, targets, onSent)
  await boss.work(QUEUE_NAME, WORK, async (jobs) => await Promise.all(jobs.map(async ({ id, data }) => {
    try {
      return { id, status: 'completed', output: await send(data.event) }
    } catch (error) {
      return { id, status: 'failed', output: { message: String(error) } }
    }
  })))
  const inserts = new Batches<BenchEvent>(async (events) => { await boss.insert(QUEUE_NAME, events.map((event) => ({ data: { event } }))) })
  const count = async (query: PromiseLike<Array<{ count: number }>>) => (await query)[0]?.count ?? NaN
  return {
    accept: async (event) => await inserts.add(event),
    pending: async () => await count(sql<Array<{ count: number }>>`select count(*)::int as count from pgboss.job where name = ${QUEUE_NAME} and state < 'completed'`),
    recorded: async () => await count(sql<Array<{ count: number }>>`
      select count(*)::int as count from pgboss.job where name = ${QUEUE_NAME} and state = 'completed' and (output ->> 'status')::int between 200 and 299`),
    stop: async () => {
      await boss.stop({ graceful: true, timeout: 5_000 })
      await sender.close()
      await sql.end({ timeout: 5 })
    }
  }
}
