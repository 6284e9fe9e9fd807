import type { Socket } from 'node:net'
import { missing, repeats } from '../helpers/arrivals.js'
import { eventually } from '../helpers/eventually.js'
import { peakMemoryMb } from '../helpers/memory.js'
import { Stage } from '../helpers/stage.js'
import { onRequest, TcpServer } from '../helpers/tcp.js'

/** Deliveries to each receiver. */
const COUNT = 300
const CHUNK = Buffer.alloc(64 * 1024, 'x')
const TEN_GB = 10 * 1024 ** 3

let stage: Stage
const receivers: TcpServer[] = []

afterEach(async () => {
  await Promise.all(receivers.splice(0).map(async (receiver) => await receiver.stop()))
  await stage.close()
})

async function receiverThat (answer: (socket: Socket) => void): Promise<string> {
  const receiver = await TcpServer.start((socket) => onRequest(socket, () => answer(socket)))
  receivers.push(receiver)
  return receiver.url('/')
}

/** Sends byte after byte, each long before anybody who waits for the next one would give up. */
function drip (socket: Socket, bytes: string): void {
  let sent = 0
  const timer = setInterval(() => {
    if (socket.destroyed || sent === bytes.length) clearInterval(timer)
    else socket.write(bytes.charAt(sent++))
  }, 100)
}

function tenGigabytes (socket: Socket): void {
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${TEN_GB}\r\n\r\n`)
  const write = () => { while (!socket.destroyed && socket.write(CHUNK)); }
  socket.on('drain', write)
  write()
}

test('receivers that hang, drip, reset, send 10 GB and redirect to themselves, all at once: the healthy one gets everything, and memory stays where it was', async () => {
  stage = await Stage.open()
  const server = await stage.start({ RETRY_SCHEDULE: '100ms' })
  const urls = {
    hangs: await receiverThat(() => {}),
    dripsHeaders: await receiverThat((socket) => drip(socket, `HTTP/1.1 200 OK\r\nX-Drip: ${'x'.repeat(10_000)}\r\n\r\n`)),
    dripsBody: await receiverThat((socket) => drip(socket, `HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n${'x'.repeat(10_000)}`)),
    resets: await receiverThat((socket) => socket.resetAndDestroy()),
    floods: await receiverThat(tenGigabytes),
    redirects: stage.receiver.url('/redirects')
  }
  stage.receiver.answer(({ path }, response) => {
    if (path === '/redirects') response.writeHead(302, { location: stage.receiver.url('/redirects') }).end()
    else response.writeHead(200).end()
  })
  const ids: Record<string, string> = {}
  for (const [name, url] of Object.entries(urls)) ids[name] = (await stage.webhook(name, { url })).id
  const { id: healthy } = await stage.webhook('/healthy')
  const before = peakMemoryMb(server.pid)

  const titles = (await Promise.all(['a', 'b', 'c'].map(async (prefix) => await stage.postAll(prefix, COUNT / 3)))).flat()
  const arrived = () => stage.receiver.received.filter(({ path }) => path === '/healthy')
  await eventually(() => expect(missing(titles, arrived())).toEqual([]))
  await eventually(async () => expect(await stage.statuses(healthy)).toEqual({ delivered: COUNT }))
  expect(repeats(arrived())).toBe(0)

  // What is wrong with each is told, and none of them is lost: they end as the schedule says.
  const of = async (name: string) => await stage.statuses(ids[name])
  await eventually(async () => expect(await of('resets')).toEqual({ dead_letter: COUNT }))
  await eventually(async () => expect(await of('redirects')).toEqual({ dead_letter: COUNT }))
  await eventually(async () => expect(await of('floods')).toEqual({ delivered: COUNT }))
  const errors = async (name: string) => {
    const rows = await stage.sql<Array<{ error: string }>>`select distinct error from cscx_zapier.delivery_attempts a join cscx_zapier.webhook_deliveries d on d.id = a.delivery_id where d.webhook_id = ${ids[name] ?? ''}`
    return rows.map(({ error }) => error)
  }
  for (const name of ['hangs', 'dripsHeaders', 'dripsBody']) {
    await eventually(async () => expect(await errors(name)).toEqual(['timeout']), 40_000)
    expect(Object.values(await of(name)).reduce((sum, count) => sum + count, 0)).toBe(COUNT)
  }
  expect(await errors('resets')).toEqual(['connection_reset'])
  expect(await errors('redirects')).toEqual(['http_302'])
  // A redirect was never followed: two tries each, and not one more.
  expect(stage.receiver.received.filter(({ path }) => path === '/redirects').length).toBe(2 * COUNT)
  expect(peakMemoryMb(server.pid) - before).toBeLessThan(150)
  await stage.postAll('Afterwards', 20)
  await eventually(async () => expect(await stage.statuses(healthy)).toEqual({ delivered: COUNT + 20 }))
}, 120_000)
