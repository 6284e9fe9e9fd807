import { arrayText } from '../../db/array-text.js'
import type { Queryable } from '../../db/client.js'
import { placesJson, webhooksOf, type Offer, type QueuedWebhook, type TakenDelivery } from './taken.js'
import { LEASE_SECONDS } from './worker-identity.js'

/** An event about to be recorded; its data has passed the event type's schema. */
export interface NewEvent {
  /** UUIDv7. */
  id: string
  organizationId: string
  type: string
  customerId: string | null
  dataJson: string
  /** ISO 8601, UTC. */
  occurredAt: string
}

/**
 * The channel on which workers hear of each other and of work: `due` (deliveries are due), `queued` (some queue behind
 * their webhook), `workers` (a worker has come or gone).
 */
export const DELIVERIES_CHANNEL = 'cscx_zapier_deliveries'

/** What a fan-out came to. */
export interface FannedOut {
  /** How many deliveries were made, whatever their status. */
  deliveries: number
  /** Those that are leased to whoever made the offer. */
  taken: TakenDelivery[]
  queued: QueuedWebhook[]
}

interface FannedOutRow {
  id: string
  webhook_id: string
  version: number
  is_failing: boolean
  /** Position of its event in the batch, from 1 on. */
  n: number
  fate: 'taken' | 'queued' | 'other'
}

/** Nothing is leased; deliveries are due at once, for any worker. */
const NO_OFFER: Offer = Object.freeze({ workerId: 0, isGranting: false, room: 0, bytes: 0, default: 0, places: new Map() })

/**
 * Records events and fans them out: one delivery for each webhook of the tenant that selected the event type. It is
 * `filtered` where a condition of the webhook's filter does not hold, and `held` where the webhook is paused or disabled;
 * else it is leased as the offer allows, queues behind its webhook, or is due (see server/outbound/engine/README.md).
 * One statement for the whole batch; run it in the transaction that makes the events true.
 * @param offer What may be leased to the worker of this process, which must be told when the transaction has committed.
 */
export async function recordEvents (sql: Queryable, events: readonly NewEvent[], offer: Offer = NO_OFFER): Promise<FannedOut> {
  if (events.length === 0) return { deliveries: 0, taken: [], queued: [] }
  const rows = await sql<FannedOutRow[]>`
    with input as (
      -- The data as one JSON array: nothing is to be escaped on the way, and Postgres reads it once.
      select * from rows from (
        unnest(${arrayText(events.map((event) => event.id))}::uuid[]),
        unnest(${arrayText(events.map((event) => event.organizationId))}::uuid[]),
        unnest(${arrayText(events.map((event) => event.type))}::text[]),
        unnest(${arrayText(events.map((event) => event.customerId))}::text[]),
        unnest(${arrayText(events.map((event) => event.occurredAt))}::text[]),
        json_array_elements(${`[${events.map((event) => event.dataJson).join(',')}]`}::text::json)
      ) with ordinality as e(id, organization_id, type, customer_id, occurred_at, data, n)
    ), recorded as (
      insert into cscx_zapier.events (id, organization_id, type, customer_id, data, occurred_at)
      select id, organization_id, type, customer_id, data, occurred_at::timestamptz from input
    ), offered as materialized (
      select ${placesJson(offer)}::text::jsonb as places
    ), matched as (
      select e.n, e.id as event_id, e.organization_id, e.type, octet_length(e.data::text) as size, w.id as webhook_id, w.version, w.ordered, w.active,
        w.failing_since is not null as is_failing, case when w.throttled_until > now() then w.throttled_until end as throttled_until,
        case when w.filter is not null then cscx_zapier.unmet_condition(w.filter, e.data::jsonb) end as unmet,
        coalesce(((select places from offered) ->> w.id::text)::int,
          -- A webhook that this process knows nothing of may have limits: one to begin with.
          case when w.kind = 'zapier' or w.rate_per_second is not null then least(1, ${offer.default}::int) else ${offer.default}::int end) as places
      from input e join cscx_zapier.outbound_webhooks w
        on w.organization_id = e.organization_id and w.deleted_at is null and e.type = any(w.events)
    ), sorted as (
      select *, active and unmet is null and throttled_until is null and not ordered as is_free,
        row_number() over (partition by webhook_id, active and unmet is null order by n) as place
      from matched
    ), granted as (
      select *, is_free and place <= places and count(*) filter (where is_free and place <= places) over earlier <= ${offer.room}::int
        and sum(size) filter (where is_free and place <= places) over earlier <= greatest(size, ${offer.bytes}::int) as is_granted
      from sorted window earlier as (order by n, webhook_id rows unbounded preceding)
    ), fated as materialized (
      select *, cscx_zapier.delivery_id(event_id) as id, case
        when unmet is not null then 'filtered'
        when not active then 'held'
        when throttled_until is not null then 'throttled'
        when is_granted then 'taken'
        when ordered or ${offer.workerId}::int <> 0 then 'queued'
        else 'due' end as fate
      from granted
    ), fanned_out as (
      insert into cscx_zapier.webhook_deliveries (id, organization_id, webhook_id, event_id, event_type, ordered, unmet, status, next_attempt_at, leased_by)
      select id, organization_id, webhook_id, event_id, type, ordered, unmet,
        case when fate in ('filtered', 'held') then fate else 'pending' end,
        case fate
          when 'taken' then now() + ${LEASE_SECONDS}::int * interval '1 second'
          when 'throttled' then throttled_until
          when 'due' then now()
          else 'infinity' end,
        case when fate = 'taken' then ${offer.workerId}::int end
      from fated order by n
    )
    -- Not joined with what was inserted: for a batch that the planner believes to be one row, it would compare each with all.
    select id, webhook_id, version, is_failing, n::int as n, case when fate in ('taken', 'queued') then fate else 'other' end as fate,
      case when fate = 'due' or (fate = 'queued' and ${offer.workerId}::int = 0) then pg_notify(${DELIVERIES_CHANNEL}, fate) end
    from fated`
  return {
    deliveries: rows.length,
    taken: rows.filter(({ fate }) => fate === 'taken').map((row) => toTaken(row, events[row.n - 1] as NewEvent)),
    queued: webhooksOf(rows.filter(({ fate }) => fate === 'queued'))
  }
}

function toTaken ({ id, webhook_id: webhookId, version, is_failing: isFailing }: FannedOutRow, { organizationId, id: eventId, type, occurredAt, dataJson }: NewEvent): TakenDelivery {
  return {
    id,
    organizationId,
    webhookId,
    version,
    isFailing,
    attempts: 0,
    retryCount: 0,
    ageMs: 0,
    event: { id: eventId, event: type, timestamp: occurredAt, dataJson }
  }
}
