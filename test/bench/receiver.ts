import { createServer, type AddressInfo, type Socket } from 'node:net'
import { serve } from './child.js'
import { nowMicros, readMarker } from './marker.js'
import { summarize, type Latency } from './statistics.js'

// A receiver on raw sockets: it frames requests by their Content-Length and answers with a fixed 204. At the same rate it
// takes a fraction of the processor time of node:http, which on two cores would be taken from what is measured.

/** What came since the last `reset`. */
export interface Received {
  /** Requests in all, except those to `/hang`. */
  requests: number
  /** Different marks among them, and requests whose mark had come before. */
  distinct: number
  duplicates: number
  /** From the time that an event was due to the arrival of its first request. */
  latency: Latency
  /** Processor time of the receiver. */
  cpuMs: number
}

/** First letter of `/hang`, whose requests do not count, and are not answered while it hangs. */
const HANG = 'h'.charCodeAt(0)
const PATH_AT = 'POST /'.length

const ANSWER = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n')
const HEAD_END = Buffer.from('\r\n\r\n')
const LENGTH_NAME = Buffer.from('\r\ncontent-length: ')
const ZERO = '0'.charCodeAt(0)
const CR = '\r'.charCodeAt(0)

let latencies = new Float64Array(1 << 16)
let seen = new Uint8Array(1 << 20)
let requests = 0
let distinct = 0
let isHanging = false
let cpuAtReset = process.cpuUsage()

function note (request: Buffer): void {
  requests += 1
  const mark = readMarker(request)
  if (mark === undefined) return
  if (mark.number >= seen.length) seen = grown(seen, mark.number)
  if (seen[mark.number] === 1) return
  seen[mark.number] = 1
  if (distinct >= latencies.length) latencies = grown(latencies, distinct)
  latencies[distinct++] = (nowMicros() - mark.dueMicros) / 1e3
}

function grown<T extends Uint8Array | Float64Array> (array: T, index: number): T {
  const larger = new (array.constructor as new (length: number) => T)(Math.max(array.length * 2, index + 1))
  larger.set(array)
  return larger
}

/** Bytes of the first request in the buffer; undefined while it is not there whole. */
function requestLength (data: Buffer): number | undefined {
  const headEnd = data.indexOf(HEAD_END)
  if (headEnd === -1) return undefined
  const nameAt = data.indexOf(LENGTH_NAME)
  if (nameAt === -1 || nameAt > headEnd) throw new Error('The receiver needs a content-length')
  let length = 0
  for (let at = nameAt + LENGTH_NAME.length; data[at] !== CR; at++) length = length * 10 + (data[at] as number) - ZERO
  const total = headEnd + HEAD_END.length + length
  return total <= data.length ? total : undefined
}

function answer (socket: Socket, request: Buffer): void {
  const isHang = request[PATH_AT] === HANG
  if (!isHang) note(request)
  if (!isHang || !isHanging) socket.write(ANSWER)
}

function onConnection (socket: Socket): void {
  let rest: Buffer | undefined
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    let data = rest === undefined ? chunk : Buffer.concat([rest, chunk])
    for (let length = requestLength(data); length !== undefined; length = requestLength(data)) {
      answer(socket, data)
      data = data.subarray(length)
    }
    rest = data.length === 0 ? undefined : data
  })
}

const methods = {
  /** Listens on so many ports of 127.0.0.1, each an origin of its own. */
  listen: async (count: number): Promise<number[]> => await Promise.all(Array.from({ length: count }, async () => {
    const server = createServer(onConnection)
    await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, resolve))
    return (server.address() as AddressInfo).port
  })),
  reset: (): void => {
    requests = distinct = 0
    seen.fill(0)
    cpuAtReset = process.cpuUsage()
  },
  /** Whether `/hang` accepts requests and never answers them, from now on. */
  hang: (isOn: boolean): void => { isHanging = isOn },
  /** How many requests came; cheap enough to be asked often. */
  count: (): number => requests,
  received: (): Received => {
    const { user, system } = process.cpuUsage(cpuAtReset)
    return {
      requests, distinct, duplicates: requests - distinct, latency: summarize(latencies.subarray(0, distinct)), cpuMs: (user + system) / 1e3
    }
  }
}
export type ReceiverMethods = typeof methods

serve(methods)
