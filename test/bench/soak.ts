import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { receiverUrl, startBench, type Bench } from './bench.js'
import { startChild } from './child.js'
import { insertPending, pendingDeliveries } from './engine.js'
import { nowMicros } from './marker.js'
import { benchEvent, EVENT_TYPE } from './payload.js'
import { FULL } from './plan.js'
import type { PosterMethods } from './poster.js'
import { startProductChild, type RunningProduct } from './product-child.js'
import { figure } from './row.js'
import { slope } from './statistics.js'

const SAMPLE_MS = 5_000
/** How much a process may grow in ten minutes and still count as flat, in MB: less than what a garbage collector leaves lying. */
const GROWTH_MAX_MB = 20
const GROWTH_MINUTES = 10
/** Until then a process fills its pools and caches, and the compiler is busy. */
const SETTLE_SHARE = 0.2
const DRAIN_MAX_MB = 400
const RESULT = 'soak.json'

const USAGE = `npm run soak [-- options]
  --minutes <n>    how long (10)
  --rate <n>       events a second, posted over HTTP (2000)
  --drain <n>      instead: so many pending deliveries, inserted by SQL, that a worker process drains
  --out <file>     where to write the samples (${RESULT})`

const MB = 2 ** 20

interface Sample {
  seconds: number
  rssMb: number
  heapMb: number
  externalMb: number
}

/** Samples the memory of a child every five seconds, until it is told to stop. */
function sampleMemory ({ child }: RunningProduct, print: (sample: Sample) => void): { samples: Sample[], stop: () => void } {
  const startedAt = nowMicros()
  const samples: Sample[] = []
  const timer = setInterval(() => {
    child.ask.memory().then(({ rss, heapUsed, external }) => {
      const sample = { seconds: Math.round((nowMicros() - startedAt) / 1e6), rssMb: rss / MB, heapMb: heapUsed / MB, externalMb: external / MB }
      samples.push(sample)
      print(sample)
    }, () => { /* It has ended. */ })
  }, SAMPLE_MS)
  return { samples, stop: () => clearInterval(timer) }
}

/** Posts events for so long, and tells how memory went. @returns whether it stayed flat. */
async function soak (bench: Bench, minutes: number, perSecond: number): Promise<{ isMet: boolean, verdict: string, samples: Sample[] }> {
  const product = await startProductChild(bench, { urls: [receiverUrl(bench)], events: [EVENT_TYPE] })
  const poster = await startChild<PosterMethods>('poster')
  const memory = sampleMemory(product, ({ seconds, rssMb, heapMb }) => {
    process.stdout.write(`${String(seconds).padStart(5)} s  RSS ${figure(rssMb)} MB  heap ${figure(heapMb)} MB\n`)
  })
  try {
    const accepted = await poster.ask.open(product.url, product.key, perSecond, minutes * 60)
    await product.drained()
    const { distinct } = await bench.receiver.ask.received()
    const settled = memory.samples.filter(({ seconds }) => seconds >= minutes * 60 * SETTLE_SHARE)
    const perMinute = (of: (sample: Sample) => number) => slope(settled.map((sample) => [sample.seconds / 60, of(sample)]))
    const growth = { rss: perMinute(({ rssMb }) => rssMb), heap: perMinute(({ heapMb }) => heapMb) }
    const isMet = growth.rss * GROWTH_MINUTES <= GROWTH_MAX_MB && distinct === accepted
    const verdict = `${figure(accepted)} events accepted, ${figure(distinct)} received · RSS ${figure(growth.rss)} MB a minute, heap ${figure(growth.heap)} MB a minute ` +
      `(flat: at most ${GROWTH_MAX_MB} MB of RSS in ${GROWTH_MINUTES} minutes, after the first ${SETTLE_SHARE * 100} %)`
    return { isMet, verdict, samples: memory.samples }
  } finally {
    memory.stop()
    await poster.stop()
    await product.stop()
  }
}

/** The most memory that a process ever had, in MB, as the kernel counted it. */
function peakMb (pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

/** Starts a worker on deliveries that are due already. @returns whether it kept within its memory. */
async function drain (bench: Bench, count: number): Promise<{ isMet: boolean, verdict: string, samples: Sample[] }> {
  const product = await startProductChild(bench, {
    urls: [receiverUrl(bench)],
    events: [EVENT_TYPE],
    role: 'worker',
    prepare: async ({ sql }, [target]) => {
      if (target) await insertPending(sql, target, count, benchEvent(target.organizationId, 0, nowMicros()))
      process.stdout.write(`${figure(count)} pending deliveries inserted\n`)
    }
  })
  const startedAt = nowMicros()
  const memory = sampleMemory(product, ({ seconds, rssMb, heapMb }) => {
    void bench.receiver.ask.count().then((received) => {
      process.stdout.write(`${String(seconds).padStart(5)} s  RSS ${figure(rssMb)} MB  heap ${figure(heapMb)} MB  ${figure(received)} received\n`)
    })
  })
  try {
    while (await pendingDeliveries(product.database.sql) > 0) await new Promise((resolve) => setTimeout(resolve, 250))
    const seconds = (nowMicros() - startedAt) / 1e6
    const peak = peakMb(product.child.pid)
    const verdict = `${figure(count)} deliveries in ${figure(seconds)} s (${figure(count / seconds)}/s) · peak RSS ${figure(peak)} MB (goal: under ${DRAIN_MAX_MB} MB)`
    return { isMet: peak < DRAIN_MAX_MB && await bench.receiver.ask.count() >= count, verdict, samples: memory.samples }
  } finally {
    memory.stop()
    await product.stop()
  }
}

async function main (): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' }, rate: { type: 'string', default: '2000' }, drain: { type: 'string' }, out: { type: 'string', default: RESULT }, help: { type: 'boolean' }
    }
  })
  const [minutes, rate, count] = [values.minutes, values.rate, values.drain ?? '1'].map(Number) as [number, number, number]
  if (values.help || ![minutes, rate, count].every((value) => value > 0)) {
    process.stdout.write(`${USAGE}\n`)
    process.exitCode = values.help ? 0 : 2
    return
  }
  const bench = await startBench({ ...FULL, tidies: false })
  try {
    const { isMet, verdict, samples } = values.drain === undefined ? await soak(bench, minutes, rate) : await drain(bench, count)
    writeFileSync(values.out, JSON.stringify({ verdict, isMet, samples }, null, 2) + '\n')
    process.stdout.write(`\n${isMet ? '✓' : '✗'} ${verdict}\n`)
    if (!isMet) process.exitCode = 1
  } finally {
    await bench.stop()
  }
}

await main()
