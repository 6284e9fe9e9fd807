import { SCORE_COMPONENTS, type updateHealthScore as Action } from '../../../shared/catalogue/actions/update-health-score.js'
import { instant, number, text, type Row } from '../../../shared/catalogue/change.js'
import { CRITICAL_BELOW } from '../../../shared/catalogue/events/health-score-critical.js'
import type { Transaction } from '../../db/client.js'
import { ApiProblem } from '../../problem.js'
import { findCustomer } from '../find-customer.js'
import type { CscxTables, Table } from '../tables.js'
import { insertRecord, updateRecord } from '../write.js'
import { customerOf, sourceFor, type Executor, type Job } from './executor.js'

/** From here on a score is green; below, down to {@link CRITICAL_BELOW}, it is yellow. */
const HEALTHY_FROM = 70

type Component = typeof SCORE_COMPONENTS[number]
type Components = Record<Component, number | null>

/** A score to write: what was, and what it becomes. */
interface Step {
  customer: Row
  /** The newest row of `health_scores`, if there is one. */
  latest: Row | null
  components: Components
  overall: number
  previous: number | null
  /** ISO 8601, later than that of `latest`. */
  at: string
}

function color (overall: number): string {
  if (overall < CRITICAL_BELOW) return 'red'
  return overall < HEALTHY_FROM ? 'yellow' : 'green'
}

/**
 * Locks the customer, so that of two scores written at once the second builds on the first. Weaker than FOR UPDATE:
 * whoever adds rows that refer to the customer need not wait.
 */
async function lockCustomer (tx: Transaction, organizationId: string, id: string): Promise<Row> {
  const [locked] = await tx<Array<{ row: Row }>>`
    select to_jsonb(c) as row from public.customers c
    where c.id = ${id} and c.organization_id = ${organizationId} for no key update`
  if (!locked) throw new ApiProblem('customer_not_found', 'The customer was deleted just now')
  return locked.row
}

/** The newest score of a customer that is locked, and the database's time. */
async function readLatest (tx: Transaction, tables: CscxTables, customerId: string): Promise<{ latest: Row | null, now: number }> {
  const [clock] = await tx<Array<{ now: string }>>`select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as now`
  const now = Date.parse(clock?.now ?? '')
  if (!tables.has('health_scores', 'customer_id', 'overall')) return { latest: null, now }
  const order = ['calculated_at', 'created_at'].filter((column) => tables.has('health_scores', column))
    .reduce((all, column) => tx`${all} h.${tx(column)} desc nulls last,`, tx``)
  const [found] = await tx<Array<{ row: Row }>>`
    select to_jsonb(h) as row from public.health_scores h
    join public.customers c on c.id = h.customer_id
    where c.id = ${customerId} order by ${order} h.id desc limit 1`
  return { latest: found?.row ?? null, now }
}

function mean (components: Components): number | null {
  const known = Object.values(components).filter((score) => score !== null)
  return known.length === 0 ? null : Math.round(known.reduce((sum, score) => sum + score, 0) / known.length)
}

async function nextStep ({ tx, tables, table, context, input }: Parameters<Executor<typeof Action>>[0], found: Row): Promise<Step> {
  const customer = await lockCustomer(tx, context.organizationId, customerOf(found).customer_id)
  const { latest, now } = await readLatest(tx, tables, customerOf(customer).customer_id)
  const { component } = input
  const column = table.columns.get(component)
  if (component !== 'overall' && (table.name !== 'health_scores' || column === undefined)) {
    throw new ApiProblem('action_unavailable', `This CSCX database keeps no ${component} component: set overall`, {
      errors: [{ pointer: '/component', detail: 'This CSCX database does not keep this component: set overall', code: 'unsupported' }]
    })
  }
  // As the column will hold it: the mean must agree with what is stored.
  const score = column?.type.startsWith('int') ? Math.round(input.score) : input.score
  const components = Object.fromEntries(SCORE_COMPONENTS.map((name) => [name, name === component ? score : number(latest ?? {}, name)])) as Components
  // A later time than the newest's, else the order of two scores within one tick would be open.
  const after = Date.parse(instant(latest ?? {}, 'calculated_at', 'created_at') ?? '')
  return {
    customer,
    latest,
    components,
    overall: component === 'overall' ? Math.round(score) : mean(components) ?? score,
    previous: number(customer, 'health_score') ?? number(latest ?? {}, 'overall'),
    at: new Date(Number.isNaN(after) ? now : Math.max(now, after + 1)).toISOString()
  }
}

/** Writes the score as a new row; where a customer can have only one, into that. */
async function writeScore ({ tx, table, context }: Pick<Job<unknown>, 'tx' | 'table' | 'context'>, step: Step, notes: string | undefined): Promise<Row> {
  const { customer, latest, components, overall, at } = step
  const scores = { overall, ...components }
  const write = {
    table,
    organizationId: context.organizationId,
    given: { notes },
    set: {
      ...Object.fromEntries(Object.entries(scores).map(([name, score]) => [name, score ?? undefined])),
      customer_id: customerOf(customer).customer_id,
      overall_color: color(overall),
      calculated_at: at,
      created_at: at,
      source: sourceFor(table, context)
    }
  }
  if (latest === null || !table.columns.get('customer_id')?.unique) return await insertRecord(tx, write)
  return await updateRecord(tx, write, text(latest, 'id') ?? '') ?? {}
}

async function updateCustomerScore (tx: Transaction, table: Table | undefined, organizationId: string, step: Step): Promise<void> {
  if (!table?.columns.has('health_score')) return
  await updateRecord(tx, { table, organizationId, given: { health_score: step.overall } }, customerOf(step.customer).customer_id)
}

async function recordHistory (tx: Transaction, table: Table | undefined, organizationId: string, step: Step, reason: string): Promise<void> {
  if (!table?.columns.has('customer_id') || !table.columns.has('score')) return
  await insertRecord(tx, {
    table,
    organizationId,
    given: {},
    set: {
      customer_id: customerOf(step.customer).customer_id,
      score: step.overall,
      previous_score: step.previous ?? undefined,
      score_components: step.components,
      calculation_reason: reason,
      calculated_at: step.at
    }
  })
}

export const updateHealthScore: Executor<typeof Action> = async (job) => {
  const { tx, tables, table, context, input } = job
  const step = await nextStep(job, await findCustomer(tx, tables, context.organizationId, input))
  const row = table.name === 'health_scores' ? await writeScore(job, step, input.notes) : step.customer
  await updateCustomerScore(tx, tables.get('customers'), context.organizationId, step)
  await recordHistory(tx, tables.get('health_score_history'), context.organizationId, step, input.notes ?? `${input.component} set from outside`)
  return {
    id: text(row, 'id') ?? '',
    ...customerOf(step.customer),
    overall: step.overall,
    previous_overall: step.previous,
    ...step.components,
    calculated_at: step.at
  }
}
