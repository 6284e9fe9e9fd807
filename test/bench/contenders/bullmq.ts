import { Queue, Worker } from 'bullmq'
import { Batches } from '../batches.js'
import { benchSender } from '../engine.js'
import type { BenchEvent } from '../payload.js'
import type { Contender, ContenderOptions, Job, Result } from './contender.js'
import { jobSender } from './send-job.js'

/**
 * What https://docs.bullmq.io/guide/parallelism-and-concurrency advises for jobs that wait for the network (100 to 300 at
 * the same time), with jobs added in bulk (/guide/queues/adding-bulks), and Redis writing every command to disk before it
 * answers (redis.ts): what is accepted here must survive as it does elsewhere. Results are its own: each job's return value.
 */
const CONCURRENCY = 100
const QUEUE_NAME = 'deliver'
const JOB = { attempts: 10, backoff: { type: 'exponential', delay: 5_000 } }

export async function startBullMq ({ redisPort, targets, onSent }: ContenderOptions): Promise<Contender> {
  if (redisPort === undefined) throw new Error('BullMQ needs Redis')
  const connection = { host: '127.0.0.1', port: redisPort, maxRetriesPerRequest: null }
  const queue = new Queue<Job>(QUEUE_NAME, { connection })
  const sender = benchSender()
  const send = jobSender(sender, targets, onSent)
  const worker = new Worker<Job, Result>(QUEUE_NAME, async ({ data }) => await send(data.event), { connection, concurrency: CONCURRENCY })
  const report = (error: Error) => { process.stderr.write(`bullmq: ${String(error)}\n`) }
  queue.on('error', report)
  worker.on('error', report)
  await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()])
  const adds = new Batches<BenchEvent>(async (events) => {
    await queue.addBulk(events.map((event) => ({ name: QUEUE_NAME, data: { event }, opts: JOB })))
  })
  return {
    accept: async (event) => await adds.add(event),
    pending: async () => await queue.getJobCountByTypes('waiting', 'active', 'delayed', 'prioritized', 'failed'),
    recorded: async () => await queue.getCompletedCount(),
    stop: async () => {
      await worker.close()
      await queue.close()
      await sender.close()
    }
  }
}
