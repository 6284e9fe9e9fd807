import { startChild } from '../child.js'
import { receiverUrl, startContender, type Bench } from '../bench.js'
import { startProductChild } from '../product-child.js'
import { EVENT_TYPE } from '../payload.js'
import type { PosterMethods } from '../poster.js'
import { figure, type Row } from '../row.js'
import type { Latency } from '../statistics.js'

/** Milliseconds that 99 of 100 events may take, by events a second. */
const GOALS = new Map([[17, 15], [1_000, 15], [5_000, 40]])

/** Events under way while the engine warms up. */
const WARM_UP_UNDER_WAY = 500

/** From an event's due time, at which it is handed to the engine, to its arrival at the receiver. */
export async function latency (bench: Bench): Promise<Row[]> {
  const contender = await startContender(bench, 'ours')
  const { warmUp, at } = bench.plan.latency
  const run = async (perSecond: number, seconds: number) => {
    await bench.cluster.settle()
    await bench.receiver.ask.reset()
    const accepted = await contender.child.ask.open(perSecond, seconds)
    await contender.child.ask.drained()
    return await arrived(bench, accepted)
  }
  try {
    await contender.child.ask.closed(warmUp, WARM_UP_UNDER_WAY)
    const rows: Row[] = []
    for (const { perSecond, seconds } of at) {
      const measured = await run(perSecond, seconds)
      const goal = GOALS.get(perSecond) ?? NaN
      rows.push({
        row: 'latency',
        what: `accept → receiver at ${figure(perSecond)}/s`,
        goal: `p99 ≤ ${goal} ms`,
        measured: describe(measured),
        met: measured.p99 <= goal,
        samples: measured
      })
    }
    return rows
  } finally {
    await contender.stop()
  }
}

/** The same over HTTP: from the time that a request to POST /api/events is due. The client takes its share of the two cores. */
export async function latencyOverHttp (bench: Bench): Promise<Row[]> {
  const product = await startProductChild(bench, { urls: [receiverUrl(bench)], events: [EVENT_TYPE] })
  const poster = await startChild<PosterMethods>('poster')
  const run = async (perSecond: number, seconds: number) => {
    await bench.cluster.settle()
    await bench.receiver.ask.reset()
    const accepted = await poster.ask.open(product.url, product.key, perSecond, seconds)
    await product.drained()
    return await arrived(bench, accepted)
  }
  try {
    await run(1_000, bench.plan.latency.warmUp)
    const rows: Row[] = []
    for (const { perSecond, seconds } of bench.plan.latency.http) {
      const measured = await run(perSecond, seconds)
      rows.push({ row: 'http', what: `POST /api/events → receiver at ${figure(perSecond)}/s`, measured: describe(measured), samples: measured })
    }
    return rows
  } finally {
    await poster.stop()
    await product.stop()
  }
}

function describe ({ p50, p99, max }: Latency): string {
  return `p99 ${figure(p99)} ms (p50 ${figure(p50)}, max ${figure(max)})`
}

/** @throws when not all of it arrived. */
async function arrived (bench: Bench, accepted: number): Promise<Latency> {
  const { distinct, latency } = await bench.receiver.ask.received()
  if (distinct !== accepted) throw new Error(`${accepted} accepted, ${distinct} received`)
  return latency
}
