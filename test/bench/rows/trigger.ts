import type postgres from 'postgres'
import type { Bench } from '../bench.js'
import { attachTriggers, DEMO_ORGANIZATION } from '../engine.js'
import { figure, type Row } from '../row.js'
import { median } from '../statistics.js'
import { addCustomers } from './capture.js'

/** What the trigger may add to a bulk update, as a share of the update without it. */
const GOAL = 0.25
const CUSTOMERS = 10_000

/** A bulk update of 10,000 customers, by a plain client, with our triggers and without, on the same table, in turn. */
export async function trigger (bench: Bench): Promise<Row[]> {
  const database = await bench.cluster.createDatabase()
  const { sql } = database
  try {
    await attachTriggers(database.url)
    await addCustomers(database, CUSTOMERS)
    const times = { with: [] as number[], without: [] as number[] }
    // The first of each warms caches and plans, and does not count.
    for (let round = 0; round <= bench.plan.trigger.rounds; round++) {
      const without = await update(bench, sql, false)
      const withTrigger = await update(bench, sql, true)
      if (round === 0) continue
      times.without.push(without)
      times.with.push(withTrigger)
    }
    const [withTrigger, without] = [median(times.with), median(times.without)]
    const added = withTrigger / without - 1
    return [{
      row: 'trigger',
      what: `the trigger, on an UPDATE of ${figure(CUSTOMERS)} customers`,
      goal: `≤ +${GOAL * 100} %`,
      measured: `${added < 0 ? '' : '+'}${figure(added * 100)} % (${figure(withTrigger)} ms, ${figure(without)} ms without)`,
      met: added <= GOAL,
      samples: times
    }]
  } finally {
    await database.drop()
  }
}

async function update (bench: Bench, sql: postgres.Sql, isCaptured: boolean): Promise<number> {
  await switchTriggers(sql, isCaptured)
  await sql`truncate cscx_zapier.changes`
  await sql`vacuum public.customers`
  await bench.cluster.settle()
  const startedAt = performance.now()
  await sql`update public.customers set health_score = 60 + (health_score + 1) % 40, updated_at = now() where organization_id = ${DEMO_ORGANIZATION}::uuid`
  const ms = performance.now() - startedAt
  const [row] = await sql<Array<{ count: number }>>`select count(*)::int as count from cscx_zapier.changes`
  if (((row?.count ?? 0) > 0) !== isCaptured) throw new Error(`${row?.count} changes captured, with the triggers ${isCaptured ? 'on' : 'off'}`)
  return ms
}

/** Our triggers are those whose function is ours. */
async function switchTriggers (sql: postgres.Sql, isOn: boolean): Promise<void> {
  const triggers = await sql<Array<{ name: string }>>`
    select t.tgname as name from pg_trigger t join pg_proc p on p.oid = t.tgfoid join pg_namespace n on n.oid = p.pronamespace
    where t.tgrelid = 'public.customers'::regclass and n.nspname = 'cscx_zapier'`
  for (const { name } of triggers) await sql.unsafe(`alter table public.customers ${isOn ? 'enable' : 'disable'} trigger "${name}"`)
}
