import { attachCapture } from '../../server/capture/index.js'
import { projectChanges } from '../../server/capture/project.js'
import type { Offer, TakenDelivery, Taker } from '../../server/outbound/index.js'
import { DEMO, workbench, type Workbench } from './actions-workbench.js'

/** Deliveries of captured changes are leased to the worker of the same process, which hears of them when they are committed. */
let bench: Workbench
let webhookId: string

beforeEach(async () => {
  bench = await workbench()
  await attachCapture(bench.database.sql, bench.schema.current())
  const [webhook] = await bench.sql<[{ id: string }]>`
    insert into cscx_zapier.outbound_webhooks (organization_id, name, url, events, secret) values (${DEMO}, 'x', 'https://example.com', '{task.created}', 'sealed') returning id`
  webhookId = webhook.id
})

afterEach(async () => await bench.drop())

/** Has room for so many deliveries, and notes what it is told. */
class NotingTaker implements Taker {
  readonly offers: Offer[] = []
  readonly accepted: Array<{ offer: Offer, taken: readonly TakenDelivery[] }> = []
  readonly givenUp: Offer[] = []
  #room: number

  constructor (room: number) {
    this.#room = room
  }

  offer (wanted: number): Offer {
    const offer = { workerId: 7, isGranting: true, room: Math.min(wanted, this.#room), bytes: 1_000_000, default: 1_000, places: new Map<string, number>() }
    this.#room -= offer.room
    this.offers.push(offer)
    return offer
  }

  accept (offer: Offer, taken: readonly TakenDelivery[]): void {
    this.#room += offer.room - taken.length
    this.accepted.push({ offer, taken })
  }

  giveUp (offer: Offer): void {
    this.givenUp.push(offer)
  }

  /** Every offer must be answered, once. */
  get unanswered (): number {
    return this.offers.length - this.accepted.length - this.givenUp.length
  }
}

const addTasks = async (...titles: string[]) => await bench.sql`insert into tasks (organization_id, title) select ${DEMO}, title from unnest(${titles}::text[]) as title`
const leases = async () => await bench.sql<Array<{ id: string, leased_by: number | null }>>`select id, leased_by from cscx_zapier.webhook_deliveries order by id`
const titlesOf = (taken: readonly TakenDelivery[]) => taken.map(({ event }) => (JSON.parse(event.dataJson) as { title: string }).title).toSorted()

test('as many as the worker has room for', async () => {
  await addTasks('a', 'b', 'c')
  const taker = new NotingTaker(2)
  await projectChanges(bench.database, bench.schema, taker)
  expect([taker.accepted.length, taker.unanswered]).toEqual([1, 0])
  const taken = taker.accepted[0]?.taken ?? []
  expect(taken.map((delivery) => [delivery.webhookId, delivery.event.event])).toEqual([[webhookId, 'task.created'], [webhookId, 'task.created']])
  const rows = await leases()
  expect(rows).toHaveLength(3)
  expect(rows.filter((row) => row.leased_by === 7).map(({ id }) => id)).toEqual(taken.map(({ id }) => id).toSorted())
})

test('a change that the database refuses gives its room back, and holds up no other', async () => {
  await bench.sql`alter table cscx_zapier.events add constraint no_poison check (data ->> 'title' is distinct from 'poison')`
  await addTasks('a', 'poison', 'b', 'c')
  const taker = new NotingTaker(10)
  expect((await projectChanges(bench.database, bench.schema, taker)).failed).toHaveLength(1)
  expect([taker.unanswered, taker.givenUp]).toEqual([0, []])
  expect(titlesOf(taker.accepted.flatMap(({ taken }) => taken))).toEqual(['a', 'b', 'c'])
  expect((await leases()).map((row) => row.leased_by)).toEqual([7, 7, 7])
})

test('nothing is handed over when the transaction cannot be committed', async () => {
  await bench.sql.unsafe(`create function refuse_commit() returns trigger language plpgsql as $$ begin raise serialization_failure using message = 'not now'; end $$;
    create constraint trigger refuse_commit after insert on cscx_zapier.events deferrable initially deferred for each row execute function refuse_commit()`)
  await addTasks('a')
  const taker = new NotingTaker(10)
  await expect(projectChanges(bench.database, bench.schema, taker)).rejects.toThrow('not now')
  expect([taker.offers.length, taker.accepted, taker.givenUp]).toEqual([1, [], taker.offers])
  await bench.sql`drop trigger refuse_commit on cscx_zapier.events`
  await projectChanges(bench.database, bench.schema, taker)
  expect(titlesOf(taker.accepted.flatMap(({ taken }) => taken))).toEqual(['a'])
  expect(await leases()).toHaveLength(1)
})

test('nor when the statement fails for another reason than its data', async () => {
  await bench.sql.unsafe(`create function refuse() returns trigger language plpgsql as $$ begin raise serialization_failure using message = 'not now'; end $$;
    create trigger refuse before insert on cscx_zapier.events for each row execute function refuse()`)
  await addTasks('a')
  const taker = new NotingTaker(10)
  await expect(projectChanges(bench.database, bench.schema, taker)).rejects.toThrow('not now')
  expect([taker.accepted, taker.givenUp]).toEqual([[], taker.offers])
  expect(await bench.sql`select count(*)::int as count from cscx_zapier.changes where error is null`).toEqual([{ count: 1 }])
})
