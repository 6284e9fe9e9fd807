import { writeFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem, type } from 'node:os'
import { parseArgs } from 'node:util'
import { startBench, type Bench } from './bench.js'
import { installPgBoss } from './installed.js'
import { FULL, QUICK } from './plan.js'
import { formatTable, type Row } from './row.js'
import { capture } from './rows/capture.js'
import { hanging } from './rows/hanging.js'
import { latency, latencyOverHttp } from './rows/latency.js'
import { roundTrips } from './rows/round-trips.js'
import { competition, throughput, throughputAndCompetition } from './rows/throughput.js'
import { trigger } from './rows/trigger.js'

const RECEIVER = 'raw node:net sockets in a process of its own: framing by content-length, a fixed 204'
const RESULT = 'bench.json'
/** Share of the cores that may be busy with something else. */
const BUSY_SHARE = 0.25

interface Measure {
  run: (bench: Bench) => Promise<Row[]>
  /** How long it takes with --quick. */
  quickSeconds: number
}

const COMMON: Record<string, Measure> = {
  latency: { run: latency, quickSeconds: 8 },
  'round-trips': { run: roundTrips, quickSeconds: 5 },
  capture: { run: capture, quickSeconds: 7 },
  trigger: { run: trigger, quickSeconds: 2 },
  hanging: { run: hanging, quickSeconds: 10 },
  http: { run: latencyOverHttp, quickSeconds: 4 }
}
/** By the name that `--only` takes. */
const ROWS: Record<string, Measure> = { throughput: { run: throughput, quickSeconds: 8 }, competition: { run: competition, quickSeconds: 16 }, ...COMMON }
/** What is measured when none is named. */
const ALL: Record<string, Measure> = { 'throughput and competition': { run: throughputAndCompetition, quickSeconds: 18 }, ...COMMON }
/** With --quick, what would not be done by then is left out: it is to end within a minute on a busy machine, too. */
const QUICK_END_MS = 57_000

const USAGE = `npm run bench [-- options]
  --quick        the whole bench in less than a minute, with more noise
  --only <row>   ${Object.keys(ROWS).join(', ')}; may be repeated
  --install      install pg-boss first, and the Node it needs, in .cache
  --out <file>   where to write the result (${RESULT})`

async function main (): Promise<void> {
  const { values } = parseArgs({
    options: { quick: { type: 'boolean' }, only: { type: 'string', multiple: true }, install: { type: 'boolean' }, out: { type: 'string', default: RESULT }, help: { type: 'boolean' } }
  })
  const isHelp = values.help ?? values.only?.some((name) => !(name in ROWS)) ?? false
  if (isHelp) {
    process.stdout.write(`${USAGE}\n`)
    process.exitCode = values.help ? 0 : 2
    return
  }
  if (values.install) installPgBoss()
  const measures = values.only === undefined ? ALL : Object.fromEntries(values.only.map((name) => [name, ROWS[name] as Measure]))
  const startedAt = Date.now()
  const load = loadavg()[0] ?? 0
  if (load > cpus().length * BUSY_SHARE) process.stderr.write(`This machine is busy (load ${load.toFixed(1)}): do not believe the figures.\n`)
  const bench = await startBench(values.quick ? QUICK : FULL)
  try {
    const { rows, failures } = await measure(bench, measures, values.quick ? startedAt + QUICK_END_MS : Infinity)
    const machine = { cpu: cpus()[0]?.model, cores: cpus().length, memoryGb: Math.round(totalmem() / 2 ** 30), loadAtStart: load, system: `${type()} ${release()}` }
    const { version: postgres, settings } = bench.cluster
    const result = { at: new Date(startedAt).toISOString(), quick: values.quick ?? false, machine, node: process.version, postgres, settings, receiver: RECEIVER, rows, failures }
    writeFileSync(values.out, JSON.stringify(result, null, 2) + '\n')
    process.stdout.write(`\n${formatTable(rows)}\n\nNode ${process.version} · ${postgres}, synchronous_commit=on · receiver: ${RECEIVER}\n${values.out} written after ${Math.round((Date.now() - startedAt) / 1e3)} s\n`)
    if (failures.length > 0) process.exitCode = 1
  } finally {
    await bench.stop()
  }
}

/** A row that fails leaves the others standing. */
async function measure (bench: Bench, measures: Record<string, Measure>, endMs: number): Promise<{ rows: Row[], failures: Array<{ row: string, error: string }> }> {
  const rows: Row[] = []
  const failures: Array<{ row: string, error: string }> = []
  for (const [name, { run, quickSeconds }] of Object.entries(measures)) {
    const startedAt = Date.now()
    if (startedAt + quickSeconds * 1e3 > endMs) {
      rows.push({ row: name, what: name, measured: 'left out: no time', samples: [] })
      continue
    }
    try {
      rows.push(...await run(bench))
      process.stderr.write(`${name}: ${((Date.now() - startedAt) / 1e3).toFixed(1)} s\n`)
    } catch (error) {
      failures.push({ row: name, error: String(error) })
      process.stderr.write(`${name} failed: ${error instanceof Error ? error.stack : String(error)}\n`)
    }
  }
  return { rows, failures }
}

await main()
