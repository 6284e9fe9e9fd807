import { startContender, type Bench, type RunningContender } from '../bench.js'
import type { ContenderName } from '../contender.js'
import { competitors, type Availability } from '../installed.js'
import { figure, type Row } from '../row.js'
import { median } from '../statistics.js'

/** Durable deliveries a second, as a share of the bare loop's. */
const GOAL = 0.4
/**
 * Events that are under way at a time, from being handed over to being sent. Enough for full batches everywhere; more only
 * makes queues longer. The bare loop has nothing to batch: it is fastest with two requests for each connection.
 */
const UNDER_WAY = 1_000
const UNDER_WAY_BARE = 128

type Rates = Map<ContenderName, number[]>

/** The engine beside the bare loop. */
export async function throughput (bench: Bench): Promise<Row[]> {
  return [shareOfBare(await race(bench, ['bare', 'ours']))]
}

/** The engine beside what a Node team would otherwise pick. */
export async function competition (bench: Bench): Promise<Row[]> {
  const found = competitors()
  return beside(await race(bench, ['ours', ...installed(found)]), found)
}

/** Both of the above in the same rounds. */
export async function throughputAndCompetition (bench: Bench): Promise<Row[]> {
  const found = competitors()
  const rates = await race(bench, ['bare', 'ours', ...installed(found)])
  return [shareOfBare(rates), ...beside(rates, found)]
}

function installed (found: readonly Availability[]): ContenderName[] {
  return found.filter((entry) => 'version' in entry).map(({ name }) => name)
}

function beside (rates: Rates, found: readonly Availability[]): Row[] {
  const ours = median(rates.get('ours') ?? [])
  return found.map((entry) => {
    if ('missing' in entry) return { row: 'competition', what: entry.name, measured: `skipped: ${entry.missing}`, samples: [] }
    const theirRates = rates.get(entry.name)
    if (theirRates === undefined) return { row: 'competition', what: entry.name, measured: 'failed', samples: [] }
    const theirs = median(theirRates)
    return {
      row: 'competition',
      what: `ours ÷ ${entry.name} ${entry.version}`,
      goal: '> 1',
      measured: `${figure(ours / theirs)} (${figure(ours)}/s ÷ ${figure(theirs)}/s)`,
      met: ours > theirs,
      samples: { ours: rates.get('ours'), theirs: theirRates }
    }
  })
}

function shareOfBare (rates: Rates): Row {
  const [ours, bare] = [median(rates.get('ours') ?? []), median(rates.get('bare') ?? [])]
  return {
    row: 'throughput',
    what: 'durable deliveries, ours ÷ bare undici loop',
    goal: `≥ ${GOAL}`,
    measured: `${figure(ours / bare)} (${figure(ours)}/s ÷ ${figure(bare)}/s)`,
    met: ours / bare >= GOAL,
    samples: Object.fromEntries(rates)
  }
}

/**
 * Rounds of each in turn. While one runs, the others idle.
 * @returns deliveries a second of each round, of all but the competitors that failed.
 */
async function race (bench: Bench, names: readonly ContenderName[]): Promise<Rates> {
  const { rounds, warmUp, round } = bench.plan.throughput
  const rates: Rates = new Map(names.map((name) => [name, []]))
  const running = new Map<ContenderName, RunningContender>()
  try {
    await Promise.all(names.map(async (name) => await inRace(rates, name, async () => { running.set(name, await startContender(bench, name)) })))
    for (const name of names) await inRace(rates, name, async () => { await run(bench, running.get(name), warmUp) })
    for (let count = 0; count < rounds; count++) {
      for (const name of names) await inRace(rates, name, async (ownRates) => { ownRates.push(await run(bench, running.get(name), round)) })
    }
    return rates
  } finally {
    await Promise.all([...running.values()].map(async ({ stop }) => await stop()))
  }
}

/** Does something with a contender that is still in the race. A competitor that fails is out; without ours or the yardstick there is none. */
async function inRace (rates: Rates, name: ContenderName, work: (ownRates: number[]) => Promise<void>): Promise<void> {
  const ownRates = rates.get(name)
  if (ownRates === undefined) return
  try {
    await work(ownRates)
  } catch (error) {
    if (name === 'ours' || name === 'bare') throw error
    rates.delete(name)
    process.stderr.write(`${name} failed: ${String(error)}\n`)
  }
}

/** @throws when anything got lost or was not recorded: a rate of such a run means nothing. */
async function run (bench: Bench, contender: RunningContender | undefined, seconds: number): Promise<number> {
  if (contender === undefined) throw new Error('It has not been started')
  const { name, child } = contender
  await bench.cluster.settle()
  await bench.receiver.ask.reset()
  const before = await child.ask.recorded()
  const { accepted, perSecond } = await child.ask.closed(seconds, name === 'bare' ? UNDER_WAY_BARE : UNDER_WAY)
  const { distinct } = await bench.receiver.ask.received()
  const recorded = await child.ask.recorded() - before
  if (distinct !== accepted || recorded !== accepted) {
    throw new Error(`${name}: ${accepted} accepted, ${distinct} received, ${recorded} recorded`)
  }
  return perSecond
}
