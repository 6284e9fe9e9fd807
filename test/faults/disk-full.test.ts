import type { DeliveryView } from '../../shared/webhook.js'
import type { Page } from '../../shared/pagination.js'
import { CAP_START } from '../../server/outbound/engine/lane.js'
import { missing } from '../helpers/arrivals.js'
import { eventually } from '../helpers/eventually.js'
import type { ServerProcess } from '../helpers/process.js'
import { Stage } from '../helpers/stage.js'
import { worlds } from '../helpers/worlds.js'

describe.each(worlds)('on %s', (_name, openWorld) => {
  let stage: Stage
  let server: ServerProcess

  beforeEach(async () => {
    stage = await Stage.open(openWorld)
    server = await stage.start()
    await stage.webhook('/hook')
  })

  afterEach(async () => await stage.close())

  /** From now on inserts into a table fail as they do when the disk is full, after whatever else their transaction has written. */
  async function fillDisk (table: string): Promise<void> {
    await stage.sql.unsafe(`create function disk_full() returns trigger language plpgsql as $$ begin
        raise disk_full using message = 'could not extend file: No space left on device';
      end $$;
      create trigger disk_full after insert on cscx_zapier.${table} for each row execute function disk_full()`)
  }

  /** Events of tasks; the demo rows have others. */
  async function countEvents (): Promise<number> {
    const [row] = await stage.sql<Array<{ count: number }>>`select count(*)::int as count from cscx_zapier.events where type = 'task.created'`
    return row?.count ?? -1
  }

  const freeDisk = async () => await stage.sql.unsafe('drop function disk_full() cascade')

  test('ingest: an honest 503, nothing half-written, and what CSCX writes is kept until there is room', async () => {
    await fillDisk('webhook_deliveries')
    const answers = await Promise.all(Array.from({ length: 10 }, async (_, n) => await stage.post(`Refused ${n}`)))
    for (const { status, headers, body } of answers) {
      expect([status, headers.get('content-type'), headers.get('retry-after')]).toEqual([503, expect.stringContaining('application/problem+json'), '5'])
      expect(body).toMatchObject({ code: 'unavailable', status: 503, detail: 'The database cannot answer right now' })
    }
    const written = await stage.addTasks('Written', 20)
    await eventually(() => expect(server.errors()).toContain('project changes'))
    expect(await countEvents()).toBe(0)
    await freeDisk()
    const posted = await stage.postAll('Posted', 10)
    await eventually(() => expect(missing([...written, ...posted], stage.receiver.received)).toEqual([]))
    await stage.allDelivered()
    expect(stage.receiver.received.length).toBe(30)
    expect(await countEvents()).toBe(30)
  })

  test('recording attempts: what was sent is not sent again, not even when its lease runs out, and is recorded later', async () => {
    await fillDisk('delivery_attempts')
    await stage.postAll('Posted', CAP_START)
    await stage.receiver.requests('/hook', CAP_START)
    await eventually(() => expect(server.errors()).toContain('record attempts'))
    expect(await stage.statuses()).toEqual({ pending: CAP_START })
    // A minute later: claims are made many times over, for all that the process could not record yet.
    for (let round = 0; round < 3; round++) {
      const due = await stage.sql`update cscx_zapier.webhook_deliveries set next_attempt_at = now() - interval '1 minute' where leased_by is not null returning id`
      expect(due.length).toBe(CAP_START)
      await eventually(async () => expect(await stage.sql`select 1 from cscx_zapier.webhook_deliveries where next_attempt_at < now()`).toHaveLength(0))
    }
    await freeDisk()
    await stage.allDelivered()
    expect(stage.receiver.received.length).toBe(CAP_START)
    const { body: { data: [webhook] } } = await stage.call<Page<{ id: string }>>('GET', '/api/webhooks/outbound')
    const { body: { data: deliveries } } = await stage.call<Page<DeliveryView>>('GET', `/api/webhooks/outbound/${webhook?.id}/logs?limit=100`)
    expect(deliveries.map(({ attempts }) => attempts.length)).toEqual(Array.from({ length: CAP_START }, () => 1))
  })
})
