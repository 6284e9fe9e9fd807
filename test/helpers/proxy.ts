import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** Stands between the product and its database, so that a test can take the database away. */
export class Proxy {
  readonly #target: { host: string, port: number }
  readonly #sockets = new Set<Socket>()
  readonly #upstreams = new Set<Socket>()
  #server: Server
  #port = 0
  #holdsAnswers = false
  #breakOn: string | undefined

  private constructor (target: { host: string, port: number }) {
    this.#target = target
    this.#server = this.#create()
  }

  /** @param url The database's. */
  static async start (url: string): Promise<Proxy> {
    const { hostname, port } = new URL(url)
    const proxy = new Proxy({ host: hostname, port: Number(port) })
    await proxy.#listen()
    return proxy
  }

  /** The database's URL, through the proxy. */
  url (url: string): string {
    const proxied = new URL(url)
    proxied.host = `127.0.0.1:${this.#port}`
    return proxied.href
  }

  /** Cuts all connections and refuses new ones, as a database does that is restarted. */
  async cut (): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.resetAndDestroy()
    await closed
  }

  /** From now on, what the database answers does not come through, until the connections are cut. */
  holdAnswers (): void {
    this.#holdsAnswers = true
    for (const upstream of this.#upstreams) upstream.unpipe()
  }

  /** From now on, a connection breaks whose client says this, until the connections are restored. */
  breakOn (text: string): void {
    this.#breakOn = text
  }

  async restore (): Promise<void> {
    this.#breakOn = undefined
    this.#holdsAnswers = false
    this.#server = this.#create()
    await this.#listen()
  }

  #create (): Server {
    return createServer((socket) => {
      const upstream = connect(this.#target)
      for (const [end, other] of [[socket, upstream], [upstream, socket]] as const) {
        this.#sockets.add(end)
        end.on('error', () => {})
        end.on('close', () => {
          this.#sockets.delete(end)
          this.#upstreams.delete(upstream)
          other.destroy()
        })
      }
      this.#upstreams.add(upstream)
      socket.on('data', (chunk: Buffer) => { if (this.#breakOn !== undefined && chunk.includes(this.#breakOn)) socket.resetAndDestroy() })
      socket.pipe(upstream)
      if (!this.#holdsAnswers) upstream.pipe(socket)
    })
  }

  async #listen (): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }
}
