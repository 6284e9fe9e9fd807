import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import type { Envelope } from '../../shared/envelope.js'
import { eventually } from './eventually.js'

export interface ReceivedRequest {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: string
  envelope: Envelope
}

type Answer = (request: ReceivedRequest, response: ServerResponse) => void

/** A real HTTP server that keeps what it is sent; tests say what it answers. */
export class Receiver {
  readonly received: ReceivedRequest[] = []
  #answer: Answer = (_request, response) => response.writeHead(200).end('ok')
  readonly #server: Server

  private constructor () {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8')
        // Only a DELETE, which says that a subscription has ended, has no body.
        const envelope = (request.method === 'DELETE' ? undefined : JSON.parse(body)) as Envelope
        const received = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body, envelope }
        this.received.push(received)
        this.#answer(received, response)
      })
    })
  }

  static async start (): Promise<Receiver> {
    const receiver = new Receiver()
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve))
    return receiver
  }

  url (path = '/'): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`
  }

  /** Answers with a status (and headers), or however the function likes. */
  answer (answer: number | Answer, headers: Record<string, string> = {}): void {
    this.#answer = typeof answer === 'number' ? (_request, response) => response.writeHead(answer, headers).end('ok') : answer
  }

  /** Requests to a path, once there are as many as expected. */
  async requests (path: string, count = 1): Promise<ReceivedRequest[]> {
    return await eventually(() => {
      const requests = this.received.filter((request) => request.path === path)
      expect(requests.length).toBeGreaterThanOrEqual(count)
      return requests
    })
  }

  async stop (): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** Verifies a request with the npm packages `standardwebhooks` and `svix`, as foreign receivers would. @throws when the signature is wrong. */
export function verify (secret: string, { body, headers }: ReceivedRequest): Envelope {
  new SvixWebhook(secret).verify(body, headers as Record<string, string>)
  return new Webhook(secret).verify(body, headers as Record<string, string>) as Envelope
}
