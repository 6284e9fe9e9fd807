import { startContender, type Bench } from '../bench.js'
import { figure, type Row } from '../row.js'

/** Statements a delivery, when there is little to do and when there is as much as it can take. */
const IDLE_GOAL = 4
const SATURATED_GOAL = 0.1
const IDLE_PER_SECOND = 17
const UNDER_WAY = 2_000

/**
 * Statements that the engine sends for a delivery, counted in the driver: ingest, claims, polling, records, leases,
 * housekeeping, begin and commit. What an idle engine sends between events counts too.
 */
export async function roundTrips (bench: Bench): Promise<Row[]> {
  const contender = await startContender(bench, 'ours', { countsRoundTrips: true })
  const { ask } = contender.child
  const { idle, saturated } = bench.plan.roundTrips
  try {
    await ask.closed(bench.plan.throughput.warmUp, UNDER_WAY)
    await ask.roundTrips()
    const idleCount = await ask.open(IDLE_PER_SECOND, idle)
    await ask.drained()
    const idleStatements = await ask.roundTrips()
    const { accepted } = await ask.closed(saturated, UNDER_WAY)
    const saturatedStatements = await ask.roundTrips()
    return [
      row(`SQL round trips a delivery, at ${IDLE_PER_SECOND}/s`, idleStatements, idleCount, IDLE_GOAL),
      row('SQL round trips a delivery, saturated', saturatedStatements, accepted, SATURATED_GOAL)
    ]
  } finally {
    await contender.stop()
  }
}

function row (what: string, statements: number, deliveries: number, goal: number): Row {
  const ratio = statements / deliveries
  return { row: 'round-trips', what, goal: `≤ ${goal}`, measured: figure(ratio), met: ratio <= goal, samples: { statements, deliveries } }
}
