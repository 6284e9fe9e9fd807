import { serve } from './child.js'
import type { Contender, ContenderOptions, StartContender } from './contenders/contender.js'
import type { Target } from './engine.js'
import { ClosedLoop, openLoop, until, type ClosedRun } from './load.js'
import { nowMicros } from './marker.js'
import { benchEvent } from './payload.js'

// One contender in a process of its own, together with what puts load on it: the process is both producer and worker.

export type ContenderName = 'bare' | 'ours' | 'graphile-worker' | 'pg-boss' | 'bullmq'

/** Loaded when asked for: pg-boss runs on the Node that it needs only. */
const CONTENDERS: Record<ContenderName, () => Promise<StartContender>> = {
  bare: async () => (await import('./contenders/bare.js')).startBare,
  ours: async () => (await import('./contenders/ours.js')).startOurs,
  'graphile-worker': async () => (await import('./contenders/graphile-worker.js')).startGraphileWorker,
  'pg-boss': async () => (await import('./contenders/pg-boss.js')).startPgBoss,
  bullmq: async () => (await import('./contenders/bullmq.js')).startBullMq
}

/** What a contender is started with from outside of its process. */
export type StartOptions = Omit<ContenderOptions, 'onSent' | 'onRoundTrip'> & { countsRoundTrips?: boolean }

let contender: Contender | undefined
let targets: readonly Target[] = []
let roundTrips = 0

function running (): Contender {
  if (contender === undefined) throw new Error('The contender has not been started')
  return contender
}

/** Events go to the targets in turn. */
async function accept (number: number, dueMicros: number): Promise<void> {
  const { organizationId } = targets[number % targets.length] as Target
  await running().accept(benchEvent(organizationId, number, dueMicros))
}

const closed = new ClosedLoop({ accept, pending: async () => await running().pending() })

const methods = {
  start: async (name: ContenderName, { countsRoundTrips = false, ...options }: StartOptions): Promise<void> => {
    targets = options.targets
    const start = await CONTENDERS[name]()
    const counted = countsRoundTrips ? { onRoundTrip: () => { roundTrips += 1 } } : {}
    contender = await start({ ...options, ...counted, onSent: () => closed.sent() })
  },
  closed: async (seconds: number, underWay: number): Promise<ClosedRun> => await closed.run(seconds, underWay),
  open: async (perSecond: number, seconds: number): Promise<number> => await openLoop(accept, perSecond, seconds),
  /** Hands over so many events for one target at once. */
  burst: async (count: number, target: number): Promise<void> => {
    const { organizationId } = targets[target] as Target
    await Promise.all(Array.from({ length: count }, async () => await running().accept(benchEvent(organizationId, 0, nowMicros()))))
  },
  /** Waits until everything is recorded as done. */
  drained: async (): Promise<void> => await until(async () => await running().pending() === 0),
  recorded: async (): Promise<number> => await running().recorded(),
  /** Statements sent to the database since this was asked last. */
  roundTrips: (): number => {
    const count = roundTrips
    roundTrips = 0
    return count
  }
}
export type ContenderMethods = typeof methods

serve(methods, async () => await contender?.stop())
