import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** A TCP server below HTTP, for receivers that break its rules. */
export class TcpServer {
  /** Connections so far. */
  connections = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor (onConnection: (socket: Socket) => void) {
    this.#server = createServer((socket) => {
      this.connections++
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
      onConnection(socket)
    })
  }

  static async start (onConnection: (socket: Socket) => void, { host = '127.0.0.1', port = 0 } = {}): Promise<TcpServer> {
    const server = new TcpServer(onConnection)
    server.#server.listen(port, host)
    await once(server.#server, 'listening')
    return server
  }

  get port (): number {
    return (this.#server.address() as AddressInfo).port
  }

  url (path = '/'): string {
    return `http://127.0.0.1:${this.port}${path}`
  }

  /** Ends the connections that stand; new ones are taken. */
  disconnect (): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async stop (): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.disconnect()
    await closed
  }
}

/** Calls back when a request has arrived whole (as told by Content-Length), as often as one does on this connection. */
export function onRequest (socket: Socket, callback: () => void): void {
  let received = ''
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1')
    const headers = received.indexOf('\r\n\r\n')
    const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0)
    if (headers === -1 || received.length < headers + 4 + length) return
    received = received.slice(headers + 4 + length)
    callback()
  })
}
