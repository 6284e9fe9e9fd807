import { randomBytes } from 'node:crypto'
import { formatSecret } from '../../shared/signature.js'
import { startChild, type Child } from './child.js'
import type { ContenderMethods, ContenderName } from './contender.js'
import { addWebhooks, organizationId, type Target } from './engine.js'
import { EVENT_TYPE } from './payload.js'
import { pgBossNode } from './installed.js'
import { startPostgres, type Cluster } from './postgres.js'
import type { ReceiverMethods } from './receiver.js'
import { startRedis, type Redis } from './redis.js'
import type { Plan } from './plan.js'

/** What all rows share: one Postgres, one receiver, and how long to measure. */
export interface Bench {
  plan: Plan
  cluster: Cluster
  receiver: Child<ReceiverMethods>
  /** Ports of the receiver: each is an origin of its own. */
  ports: number[]
  /** Starts Redis when it is first needed. */
  redis: () => Promise<Redis>
  stop: () => Promise<void>
}

/** Origins that the receiver offers. */
export const ORIGINS = 50

export async function startBench (plan: Plan): Promise<Bench> {
  const receiver = await startChild<ReceiverMethods>('receiver')
  const [cluster, ports] = await Promise.all([startPostgres(plan), receiver.ask.listen(ORIGINS)])
  let redis: Promise<Redis> | undefined
  return {
    plan,
    cluster,
    receiver,
    ports,
    redis: async () => await (redis ??= startRedis()),
    stop: async () => {
      await receiver.stop()
      await (await redis)?.stop()
      await cluster.stop()
    }
  }
}

export interface RunningContender {
  name: ContenderName
  child: Child<ContenderMethods>
  /** With `kill`, without waiting for what is under way. */
  stop: (options?: { kill?: boolean }) => Promise<void>
}

interface ContenderSetup {
  /** Where to post to, each with a webhook of its own; the receiver's first origin unless given. */
  urls?: string[]
  countsRoundTrips?: boolean
}

/** Starts a contender in a process of its own, on a database of its own. */
export async function startContender (bench: Bench, name: ContenderName, { urls = [receiverUrl(bench)], countsRoundTrips = false }: ContenderSetup = {}): Promise<RunningContender> {
  const isOurs = name === 'ours'
  const database = isOurs ? await bench.cluster.createDatabase() : await bench.cluster.createEmpty()
  const targets = isOurs ? await addWebhooks(database.url, urls, [EVENT_TYPE]) : urls.map(foreignTarget)
  const redisPort = name === 'bullmq' ? (await bench.redis()).port : undefined
  const child = await startChild<ContenderMethods>('contender', name === 'pg-boss' ? { execPath: pgBossNode() } : {})
  const stop: RunningContender['stop'] = async (options) => {
    await child.stop(options)
    await database.drop()
  }
  try {
    await child.ask.start(name, { databaseUrl: database.url, redisPort, targets, countsRoundTrips })
    return { name, child, stop }
  } catch (error) {
    await stop({ kill: true })
    throw error
  }
}

/** A target for those who have no webhooks in a database. */
function foreignTarget (url: string, number: number): Target {
  return { organizationId: organizationId(number), webhookId: '', url, secret: formatSecret(randomBytes(32)) }
}

export function receiverUrl ({ ports }: Bench, origin = 0, path = '/'): string {
  return `http://127.0.0.1:${ports[origin]}${path}`
}
