import type postgres from 'postgres'
import type { z } from 'zod'
import type { CreatedWebhook } from '../../shared/webhook.js'
import { eventually } from './eventually.js'
import { Load } from './load.js'
import { startServerProcess, type ServerProcess } from './process.js'
import { Receiver } from './receiver.js'
import { apiClient, apiKey, type ApiResponse } from './server.js'
import { postgresWorld, type World } from './worlds.js'

type Webhook = z.infer<typeof CreatedWebhook>

/** What tests of faults play on: a database, processes of the product, and a receiver. */
export class Stage<W extends World = World> {
  readonly world: W
  readonly receiver: Receiver
  readonly #servers: ServerProcess[] = []
  readonly #loads: Load[] = []
  #isClosed = false
  #key: string | undefined
  #sql: postgres.Sql | undefined

  private constructor (world: W, receiver: Receiver) {
    this.world = world
    this.receiver = receiver
  }

  static async open (): Promise<Stage>
  static async open<W extends World> (openWorld: () => Promise<W>): Promise<Stage<W>>
  static async open (openWorld: () => Promise<World> = postgresWorld): Promise<Stage> {
    return new Stage(await openWorld(), await Receiver.start())
  }

  /** Starts a process of the built product. */
  async start (variables: Record<string, string> = {}): Promise<ServerProcess> {
    const server = await startServerProcess({ ...this.world.variables, ...variables })
    this.#servers.push(server)
    // The test has run out of time meanwhile.
    if (this.#isClosed) await this.close()
    this.#sql = undefined
    this.#key ??= /cscx_live_\w+/.exec(server.output())?.[0] ?? await apiKey(this.world.variables['DATABASE_URL'] ?? '', 'demo')
    return server
  }

  /** A plain SQL client that knows nothing of the product. */
  get sql (): postgres.Sql {
    this.#sql ??= this.world.sql()
    return this.#sql
  }

  /** Calls the API of the process that was started last, or of another. */
  async call<T = Record<string, unknown>> (method: string, path: string, body?: unknown, server = this.#servers.at(-1)): Promise<ApiResponse<T>> {
    return await apiClient(server?.url ?? '', this.#key ?? '')<T>(method, path, body)
  }

  /** Creates a webhook for `task.created` that goes to this path of the receiver, or to another URL. */
  async webhook (path: string, more: Record<string, unknown> = {}): Promise<Webhook> {
    const { status, body } = await this.call<Webhook>('POST', '/api/webhooks/outbound', { name: path, url: this.receiver.url(path), events: ['task.created'], ...more })
    expect(status).toBe(201)
    return body
  }

  /** Posts an event with that title. */
  async post (title: string, server?: ServerProcess): Promise<ApiResponse<Record<string, unknown>>> {
    return await this.call('POST', '/api/events', { event: 'task.created', data: { task_id: 't', title } }, server)
  }

  /** Posts events side by side, all of which must be accepted. @returns their titles. */
  async postAll (prefix: string, count: number): Promise<string[]> {
    const titles = Array.from({ length: count }, (_, n) => `${prefix} ${n}`)
    const answers = await Promise.all(titles.map(async (title) => await this.post(title)))
    expect(answers.filter(({ status }) => status !== 202)).toEqual([])
    return titles
  }

  /** Adds tasks as CSCX does, in one statement. @returns their titles. */
  async addTasks (prefix: string, count: number): Promise<string[]> {
    const titles = Array.from({ length: count }, (_, n) => `${prefix} ${n}`)
    await this.sql`
      insert into tasks (customer_id, title)
      select c.id, t.title from unnest(${titles}::text[]) as t(title), (select id from customers where name = 'Acme Corp' order by id limit 1) c`
    return titles
  }

  /** How many deliveries there are, by status; of one webhook or of all. */
  async statuses (webhookId?: string): Promise<Record<string, number>> {
    const rows = await this.sql<Array<{ status: string, count: number }>>`
      select status, count(*)::int as count from cscx_zapier.webhook_deliveries where ${webhookId ?? null}::uuid is null or webhook_id = ${webhookId ?? null} group by 1`
    return Object.fromEntries(rows.map(({ status, count }) => [status, count]))
  }

  /** Waits until every delivery has been recorded as delivered. */
  async allDelivered (boundMs?: number): Promise<void> {
    await eventually(async () => expect(Object.keys(await this.statuses())).toEqual(['delivered']), boundMs)
  }

  /** Producers of events, each of which waits for its answer before it posts the next; until they are stopped, or the test is over. */
  load (producers: number, post: (title: string) => Promise<{ status: number, body: { id?: unknown } | null }> = async (title) => await this.post(title)): Load {
    const load = new Load(post, producers)
    this.#loads.push(load)
    return load
  }

  async stopLoads (): Promise<void> {
    await Promise.all(this.#loads.map(async (load) => await load.stop()))
  }

  /** Ends what is still running. */
  async close (): Promise<void> {
    this.#isClosed = true
    void this.stopLoads()
    for (const server of this.#servers) await server.kill('SIGKILL')
    await this.receiver.stop()
    await this.world.drop()
  }
}
