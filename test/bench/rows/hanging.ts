import { ORIGINS, receiverUrl, startContender, type Bench, type RunningContender } from '../bench.js'
import { until } from '../load.js'
import { figure, type Row } from '../row.js'
import { median, type Latency } from '../statistics.js'

/** The others' p99 with one that hangs, as a multiple of what it is without. */
const GOAL = 2
/** Events under way while the engine warms up. */
const WARM_UP_UNDER_WAY = 500
/** Which of the webhooks hangs. */
const HANGING = 0

/** Whether webhooks have an origin each, as custom ones do, or share one, as all of Zapier's do. */
const ORIGINS_OF = { own: 'an origin each', shared: 'all on one origin' } as const
type Origins = keyof typeof ORIGINS_OF

interface Round {
  without: Latency
  with: Latency
}

/**
 * Fifty webhooks get the same share of a load; at first all of them answer, then one accepts every request and never
 * answers, and a backlog is waiting for it when the time of the others is taken.
 */
export async function hanging (bench: Bench): Promise<Row[]> {
  const rows: Row[] = []
  for (const origins of ['own', 'shared'] as const) {
    const rounds: Round[] = []
    for (let count = 0; count < bench.plan.hanging.rounds; count++) rounds.push(await measure(bench, origins))
    const p99 = (which: keyof Round) => median(rounds.map((round) => round[which].p99))
    const ratio = p99('with') / p99('without')
    rows.push({
      row: 'hanging',
      what: `one of ${ORIGINS} webhooks hangs (${ORIGINS_OF[origins]}): the others' p99`,
      goal: `≤ ${GOAL}×`,
      measured: `${figure(ratio)}× (${figure(p99('with'))} ms ÷ ${figure(p99('without'))} ms)`,
      met: ratio <= GOAL,
      samples: rounds
    })
  }
  return rows
}

async function measure (bench: Bench, origins: Origins): Promise<Round> {
  const { warmUp, perSecond, backlog } = bench.plan.hanging
  const urls = Array.from({ length: ORIGINS }, (_, index) => receiverUrl(bench, origins === 'own' ? index : 0, index === HANGING ? '/hang' : '/'))
  await bench.receiver.ask.hang(false)
  const contender = await startContender(bench, 'ours', { urls })
  const { ask } = contender.child
  try {
    await ask.closed(warmUp, WARM_UP_UNDER_WAY)
    const without = await latencyOfOthers(bench, contender)
    await ask.drained()
    await bench.receiver.ask.hang(true)
    await ask.burst(backlog, HANGING)
    // Long enough for whatever the one that hangs holds on to.
    await allArrived(bench, async () => await ask.open(perSecond, warmUp))
    return { without, with: await latencyOfOthers(bench, contender) }
  } finally {
    await contender.stop({ kill: true })
  }
}

async function latencyOfOthers (bench: Bench, { child }: RunningContender): Promise<Latency> {
  const { perSecond, seconds } = bench.plan.hanging
  await allArrived(bench, async () => await child.ask.open(perSecond, seconds))
  return (await bench.receiver.ask.received()).latency
}

/** Waits until of the events handed over, all have arrived but those for the one that hangs. */
async function allArrived (bench: Bench, handOver: () => Promise<number>): Promise<void> {
  await bench.cluster.settle()
  await bench.receiver.ask.reset()
  const events = await handOver()
  const expected = events - Math.ceil((events - HANGING) / ORIGINS)
  await until(async () => (await bench.receiver.ask.count()) >= expected)
}
