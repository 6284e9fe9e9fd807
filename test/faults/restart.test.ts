import { verify } from '../helpers/receiver.js'
import { Stage } from '../helpers/stage.js'
import { worlds } from '../helpers/worlds.js'

describe.each(worlds)('on %s', (_name, openWorld) => {
  let stage: Stage

  beforeEach(async () => { stage = await Stage.open(openWorld) })

  afterEach(async () => await stage.close())

  const setScore = async (score: number) => await stage.sql`update customers set health_score = ${score} where name = 'Acme Corp'`

  test('a change made by a plain SQL client arrives as one signed POST', async () => {
    const server = await stage.start()
    const webhook = await stage.webhook('/hook', { events: ['health_score.changed'] })
    await setScore(62)
    const [request] = await stage.receiver.requests('/hook')
    expect(verify(webhook.secret, request!)).toMatchObject({ event: 'health_score.changed', data: { customer_name: 'Acme Corp', new_score: 62 } })
    expect(await server.kill('SIGTERM')).toBe(0)
    expect(stage.receiver.received.length).toBe(1)
  })

  test('a retry that was due after a restart still comes, with the same id', async () => {
    const schedule = { RETRY_SCHEDULE: '6s,1h' }
    const server = await stage.start(schedule)
    const webhook = await stage.webhook('/hook', { events: ['health_score.changed'] })
    stage.receiver.answer(500)
    await setScore(61)
    const [first] = await stage.receiver.requests('/hook')
    expect(await server.kill('SIGTERM')).toBe(0)
    expect(stage.receiver.received.length).toBe(1)
    stage.receiver.answer(200)
    await stage.start(schedule)
    const [, second] = await stage.receiver.requests('/hook', 2)
    expect(verify(webhook.secret, second!).id).toBe(first!.envelope.id)
  })
})
