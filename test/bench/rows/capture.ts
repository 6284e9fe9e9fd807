import { receiverUrl, type Bench } from '../bench.js'
import { DEMO_ORGANIZATION } from '../engine.js'
import { nowMicros } from '../marker.js'
import { description } from '../payload.js'
import type { BenchDatabase } from '../postgres.js'
import { startProductChild } from '../product-child.js'
import { figure, type Row } from '../row.js'

const GOAL = 5_000
/** Rows of one statement: CSCX recalculates scores and detects risks for many customers at a time. */
const ROWS = 50
/** Changes that are written and not yet received, at most. */
const BACKLOG = 4_000
const CUSTOMERS = 2_000
const LOOK_MS = 10

/**
 * Changes that are written by plain SQL, become events, and arrive at a receiver, a second: half of them updates of
 * customers' health scores, half inserted risk signals. The writer keeps a bounded number ahead, for so long as the plan
 * says; the time counts until the last one has arrived.
 */
export async function capture (bench: Bench): Promise<Row[]> {
  const { warmUp, seconds } = bench.plan.capture
  const product = await startProductChild(bench, { urls: [receiverUrl(bench)], events: ['health_score.changed', 'risk_signal.created'], role: 'worker' })
  try {
    await addCustomers(product.database, CUSTOMERS)
    await write(bench, product.database, warmUp)
    await product.drained()
    await bench.cluster.settle()
    const { changes, elapsed } = await write(bench, product.database, seconds)
    const rate = changes / elapsed
    await product.drained()
    return [{
      row: 'capture',
      what: 'captured changes, trigger → receiver',
      goal: `≥ ${figure(GOAL)}/s`,
      measured: `${figure(rate)}/s`,
      met: rate >= GOAL,
      samples: { changes, seconds: elapsed }
    }]
  } finally {
    await product.stop()
  }
}

/** Customers of the demo organization, with about as much in each row as CSCX keeps. Their scores are above what is critical. */
export async function addCustomers ({ sql }: BenchDatabase, count: number): Promise<void> {
  await sql`
    insert into public.customers (organization_id, name, domain, industry, arr, health_score, tier, segment, stage, renewal_date, external_id, metadata)
    select ${DEMO_ORGANIZATION}::uuid, 'Bench ' || n, 'bench' || n || '.example', 'Software', 10000 + n, 60, 'Gold', 'Enterprise', 'Adoption',
      current_date + 300, 'BENCH-' || n, jsonb_build_object('source', 'crm', 'owner', 'Dana Reyes', 'plan', 'enterprise', 'seats', n, 'notes', repeat('x', 200))
    from generate_series(1, ${count}::int) as n`
  await sql`vacuum analyze public.customers`
}

async function write (bench: Bench, { sql }: BenchDatabase, seconds: number): Promise<{ changes: number, elapsed: number }> {
  const customers = (await sql<Array<{ id: string }>>`select id from public.customers where name like 'Bench %' order by id`).map(({ id }) => id)
  await bench.receiver.ask.reset()
  const startedAt = nowMicros()
  let changes = 0
  let marked = 0
  let received = 0
  const look = async () => {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    received = await bench.receiver.ask.count()
  }
  const writer = async (statement: (some: string[]) => Promise<unknown>, from: number) => {
    for (let at = from; nowMicros() < startedAt + seconds * 1e6; at = (at + ROWS) % CUSTOMERS) {
      while (changes - received > BACKLOG) await look()
      changes += ROWS
      await statement(customers.slice(at, at + ROWS))
    }
  }
  await Promise.all([
    writer(async (some) => await sql`update public.customers set health_score = 60 + (health_score + 1) % 40, updated_at = now() where id = any(${some}::uuid[])`, 0),
    writer(async (some) => {
      const texts = some.map(() => description(marked++, nowMicros()))
      await sql`insert into public.risk_signals (organization_id, customer_id, signal_type, severity, description)
        select ${DEMO_ORGANIZATION}::uuid, s.id, 'usage_drop', 'high', s.description from unnest(${some}::uuid[], ${texts}::text[]) as s(id, description)`
    }, 0)
  ])
  const deadline = nowMicros() + 60e6
  while (received < changes && nowMicros() < deadline) await look()
  const elapsed = (nowMicros() - startedAt) / 1e6
  if (received !== changes) throw new Error(`${changes} changes written, ${received} events received`)
  return { changes, elapsed }
}
