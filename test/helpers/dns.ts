import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

/** What a question is answered with: IPv4 addresses (none: the name exists without any), that there is no such name, or nothing. */
export type DnsAnswer = string[] | 'no such name' | 'silence'

const TYPE_A = 1
const NO_ERROR = 0x8180
const NAME_ERROR = 0x8183

/** A real DNS server on loopback (RFC 1035, questions of type A; others get no records), whose answers a test plays. */
export class DnsServer {
  /** Names asked for an address of, in order. */
  readonly asked: string[] = []
  readonly #socket: Socket
  readonly #answer: (name: string, asked: number) => DnsAnswer

  private constructor (answer: (name: string, asked: number) => DnsAnswer) {
    this.#answer = answer
    this.#socket = createSocket('udp4').on('message', (query, { port, address }) => {
      const reply = this.#reply(query)
      if (reply) this.#socket.send(reply, port, address)
    })
  }

  /** @param answer Says what a name's address is; `asked` counts the questions of type A before this one. */
  static async start (answer: (name: string, asked: number) => DnsAnswer): Promise<DnsServer> {
    const server = new DnsServer(answer)
    server.#socket.bind(0, '127.0.0.1')
    await once(server.#socket, 'listening')
    return server
  }

  get address (): string {
    return `127.0.0.1:${(this.#socket.address() as AddressInfo).port}`
  }

  async stop (): Promise<void> {
    this.#socket.close()
    await once(this.#socket, 'close')
  }

  #reply (query: Buffer): Buffer | undefined {
    const { name, type, end } = readQuestion(query)
    const answer = type === TYPE_A ? this.#answer(name, this.asked.push(name) - 1) : []
    if (answer === 'silence') return undefined
    const addresses = answer === 'no such name' ? [] : answer
    const header = Buffer.alloc(12)
    query.copy(header, 0, 0, 2)
    header.writeUInt16BE(answer === 'no such name' ? NAME_ERROR : NO_ERROR, 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(addresses.length, 6)
    return Buffer.concat([header, query.subarray(12, end), ...addresses.map(record)])
  }
}

function readQuestion (query: Buffer): { name: string, type: number, end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

/** A record of type A for the name of the question, not to be kept (TTL 0). */
function record (address: string): Buffer {
  return Buffer.from([0xc0, 0x0c, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split('.').map(Number)])
}
