import type { Page, PageQuery } from '../../../shared/pagination.js'
import type { RedeliverySummary, RedeliveryView } from '../../../shared/redelivery.js'
import { pageOf, parseCursor } from '../../cursor.js'
import type { Queryable } from '../../db/client.js'
import { ApiProblem } from '../../problem.js'
import type { Owner } from '../webhooks/webhooks.js'
import type { HistoryContext } from './deliveries.js'
import { ID_MAX } from './id-time.js'
import { isoTime } from './iso-time.js'

/** The members of a summary of `cscx_zapier.redeliveries r`, for json_build_object. */
function summaryMembers (sql: Queryable): ReturnType<Queryable> {
  return sql`'id', r.id, 'kind', r.kind, 'webhook_id', r.webhook_id, 'selection', r.selection, 'status', r.status, 'per_second', r.per_second,
    'total', r.total, 'released', r.released, 'created_at', ${isoTime(sql, 'r.created_at')}, 'finished_at', ${isoTime(sql, 'r.finished_at')},
    'estimated_end', case when r.status = 'running' then
      to_char((greatest(now(), r.next_step_at) + greatest(r.total - r.released, 0) / r.per_second * interval '1 second') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end`
}

/** Redeliveries by their ids, in that order. */
export async function summarize (sql: Queryable, { organizationId }: Owner, ids: readonly string[]): Promise<RedeliverySummary[]> {
  const rows = await sql<Array<{ redelivery: RedeliverySummary }>>`
    select json_build_object(${summaryMembers(sql)}) as redelivery
    from unnest(${[...ids]}::uuid[]) with ordinality as t(id, n) join cscx_zapier.redeliveries r on r.id = t.id
    where r.organization_id = ${organizationId} order by t.n`
  return rows.map(({ redelivery }) => redelivery)
}

/** Redeliveries of the tenant, newest first. */
export async function listRedeliveries ({ database: { sql } }: HistoryContext, owner: Owner, { limit, cursor }: PageQuery): Promise<Page<RedeliverySummary>> {
  const rows = await sql<Array<{ id: string }>>`
    select r.id from cscx_zapier.redeliveries r
    where r.organization_id = ${owner.organizationId} and r.id < ${parseCursor(cursor) ?? ID_MAX} order by r.id desc limit ${limit + 1}`
  const page = pageOf([...rows], limit)
  return { data: await summarize(sql, owner, page.data.map(({ id }) => id)), next_cursor: page.next_cursor }
}

/** A redelivery and how far it is. @throws ApiProblem not_found when the tenant has no such redelivery. */
export async function getRedelivery ({ database: { sql } }: HistoryContext, { organizationId }: Owner, id: string): Promise<RedeliveryView> {
  const [row] = await sql<Array<{ redelivery: RedeliveryView }>>`
    select json_build_object(${summaryMembers(sql)}, 'delivered', c.delivered, 'failed', c.failed, 'pending', c.pending) as redelivery
    from cscx_zapier.redeliveries r
    cross join lateral (
      select count(*) filter (where d.status = 'delivered') as delivered, count(*) filter (where d.status = 'dead_letter') as failed, count(*) filter (where d.status = 'pending') as pending
      from cscx_zapier.webhook_deliveries d where d.redelivery_id = r.id and d.organization_id = r.organization_id
    ) c
    where r.id = ${id} and r.organization_id = ${organizationId}`
  if (!row) throw new ApiProblem('not_found', 'There is no such redelivery')
  return row.redelivery
}
