import type { WebhookView } from '../../shared/webhook.js'
import { CAP_START } from '../../server/outbound/engine/lane.js'
import { missing, repeats } from '../helpers/arrivals.js'
import { eventually } from '../helpers/eventually.js'
import type { ServerProcess } from '../helpers/process.js'
import { Stage } from '../helpers/stage.js'

/** A webhook ends, or stops for a while, with deliveries under way and more behind them. */
let stage: Stage
let server: ServerProcess
let webhook: WebhookView
let other: WebhookView

beforeEach(async () => {
  stage = await Stage.open()
  server = await stage.start()
  webhook = await stage.webhook('/ends')
  other = await stage.webhook('/other')
})

afterEach(async () => await stage.close())

const sent = (path: string) => stage.receiver.received.filter((request) => request.path === path)

/** As many deliveries as a new webhook is sent at once, whose receiver does not answer before it is let, and more behind it. */
async function underWay (behind = 100): Promise<{ titles: string[], answer: (status: number) => void }> {
  const answers: Array<(status: number) => void> = []
  stage.receiver.answer(({ path }, response) => {
    if (path === '/ends') answers.push((status) => response.writeHead(status).end())
    else response.writeHead(200).end()
  })
  const titles = [...await stage.postAll('Posted', CAP_START), ...await stage.addTasks('Written', behind)]
  await eventually(() => {
    expect(missing(titles, sent('/other'))).toEqual([])
    expect(sent('/ends').length).toBe(CAP_START)
  })
  return {
    titles,
    answer: (status) => {
      stage.receiver.answer(status)
      for (const answer of answers.splice(0)) answer(status)
    }
  }
}

/** The other webhook has got everything, once; and the process can still end in peace. */
async function othersAreWell (titles: string[]): Promise<void> {
  stage.receiver.answer(200)
  const more = await stage.postAll('Afterwards', 20)
  await eventually(() => expect(missing([...titles, ...more], sent('/other'))).toEqual([]))
  await eventually(async () => expect(await stage.statuses(other.id)).toEqual({ delivered: titles.length + more.length }))
  expect(repeats(sent('/other'))).toBe(0)
  expect(await server.kill('SIGTERM')).toBe(0)
}

test('deleted: what was under way and is taken counts as delivered, all else is cancelled', async () => {
  const { titles, answer } = await underWay()
  expect((await stage.call('DELETE', `/api/webhooks/outbound/${webhook.id}`)).status).toBe(204)
  answer(200)
  await eventually(async () => expect(await stage.statuses(webhook.id)).toEqual({ delivered: CAP_START, cancelled: 100 }))
  expect(sent('/ends').length).toBe(CAP_START)
  await othersAreWell(titles)
})

test('deleted: what was under way and fails is not tried again', async () => {
  const { titles, answer } = await underWay()
  expect((await stage.call('DELETE', `/api/webhooks/outbound/${webhook.id}`)).status).toBe(204)
  answer(500)
  await eventually(async () => expect(await stage.statuses(webhook.id)).toEqual({ cancelled: CAP_START + 100 }))
  await eventually(async () => expect(await stage.sql`select 1 from cscx_zapier.delivery_attempts where response_status = 500`).toHaveLength(CAP_START))
  expect(sent('/ends').length).toBe(CAP_START)
  await othersAreWell(titles)
})

test('deleted, and yet something queues behind it, as a fan-out of that moment leaves it or more than one statement cancels: none of it stays, not even for another process', async () => {
  const { titles, answer } = await underWay()
  expect((await stage.call('DELETE', `/api/webhooks/outbound/${webhook.id}`)).status).toBe(204)
  answer(200)
  await eventually(async () => expect(await stage.statuses(webhook.id)).toEqual({ delivered: CAP_START, cancelled: 100 }))
  const leave = async () => await stage.sql`update cscx_zapier.webhook_deliveries set status = 'pending', next_attempt_at = 'infinity' where webhook_id = ${webhook.id} and status = 'cancelled'`
  const isCancelled = async () => await eventually(async () => expect(await stage.statuses(webhook.id)).toEqual({ delivered: CAP_START, cancelled: 100 }))
  await leave()
  await isCancelled()
  await server.kill('SIGTERM')
  await leave()
  server = await stage.start()
  await isCancelled()
  expect(sent('/ends').length).toBe(CAP_START)
  await othersAreWell(titles)
})

test('paused, and yet something queues behind it: it is held within seconds, however much it is', async () => {
  const { titles, answer } = await underWay(1_000)
  expect((await stage.call('PUT', `/api/webhooks/outbound/${webhook.id}`, { active: false })).status).toBe(200)
  answer(200)
  await stage.sql`update cscx_zapier.webhook_deliveries set status = 'pending', next_attempt_at = 'infinity' where webhook_id = ${webhook.id} and status = 'held'`
  await eventually(async () => expect(await stage.statuses(webhook.id)).toEqual({ delivered: CAP_START, held: 1_000 }))
  await othersAreWell(titles)
})

test('paused and resumed: nothing is sent meanwhile, nothing is lost, nothing comes twice', async () => {
  const { titles, answer } = await underWay()
  const put = async (active: boolean) => await stage.call<WebhookView>('PUT', `/api/webhooks/outbound/${webhook.id}`, { active })
  expect((await put(false)).body.active).toBe(false)
  answer(200)
  await eventually(async () => expect(await stage.statuses(webhook.id)).toEqual({ delivered: CAP_START, held: 100 }))
  expect(sent('/ends').length).toBe(CAP_START)
  expect((await put(true)).body.active).toBe(true)
  await eventually(async () => expect(await stage.statuses(webhook.id)).toEqual({ delivered: CAP_START + 100 }))
  expect(missing(titles, sent('/ends'))).toEqual([])
  expect(repeats(sent('/ends'))).toBe(0)
  await othersAreWell(titles)
})

test('answered 410: the webhook is switched off, what waits is held, and what others of its answers say is still recorded', async () => {
  const { titles, answer } = await underWay()
  answer(410)
  await eventually(async () => expect(await stage.statuses(webhook.id)).toEqual({ held: CAP_START + 100 }))
  expect(sent('/ends').length).toBe(CAP_START)
  const { body } = await stage.call<WebhookView>('GET', `/api/webhooks/outbound/${webhook.id}`)
  expect(body).toMatchObject({ active: false, disabled_reason: 'gone' })
  // The first 410 that is recorded holds the others: their own attempts may be recorded by a later statement.
  await eventually(async () => expect(await stage.sql`select 1 from cscx_zapier.delivery_attempts where response_status = 410`).toHaveLength(CAP_START))
  await othersAreWell(titles)
})
