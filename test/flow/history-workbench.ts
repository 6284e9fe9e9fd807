import type { ServerResponse } from 'node:http'
import type { Decision, ExplainedEvent } from '../../shared/event-history.js'
import type { CreatedWebhook } from '../../shared/webhook.js'
import { eventually } from '../helpers/eventually.js'
import { createDatabase, type TestDatabase } from '../helpers/postgres.js'
import { Receiver } from '../helpers/receiver.js'
import { apiClient, apiKey, startTestServer, type TestServer } from '../helpers/server.js'

/** Times as the API tells them. */
export const ISO: string = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

type Answer = (response: ServerResponse) => void

/** A server, a receiver that answers each webhook as it is told, and what tests ask of the history of events. */
export class HistoryWorkbench {
  readonly #server: TestServer
  readonly #answers = new Map<string, Answer>()
  #paths = 0

  private constructor (readonly database: TestDatabase, readonly receiver: Receiver, server: TestServer, readonly call: ReturnType<typeof apiClient>, readonly theirs: ReturnType<typeof apiClient>) {
    this.#server = server
    receiver.answer(({ path }, response) => this.#answers.get(path)?.(response))
  }

  static async start (): Promise<HistoryWorkbench> {
    const database = await createDatabase()
    const receiver = await Receiver.start()
    const server = await startTestServer(database.url)
    const client = async (slug: string) => apiClient(server.url, await apiKey(database.url, slug))
    return new HistoryWorkbench(database, receiver, server, await client('demo'), await client('northwind'))
  }

  async stop (): Promise<void> {
    await this.#server.stop()
    await this.receiver.stop()
    await this.database.drop()
  }

  /** A client of the same tenant with these scopes only. */
  async client (...scopes: Parameters<typeof apiKey>[2] & object): Promise<ReturnType<typeof apiClient>> {
    return apiClient(this.#server.url, await apiKey(this.database.url, 'demo', scopes))
  }

  /** @param answer A status, or what else becomes of a request. @returns the URL of a receiver that answers so. */
  receiverThat (answer: number | Answer, headers: Record<string, string> = {}): string {
    const path = `/hook-${++this.#paths}`
    this.answer(path, answer, headers)
    return this.receiver.url(path)
  }

  answer (path: string, answer: number | Answer, headers: Record<string, string> = {}): void {
    this.#answers.set(path, typeof answer === 'number' ? (response) => { response.writeHead(answer, headers).end() } : answer)
  }

  /** A webhook with a receiver of its own. */
  async webhookFor (event: string, answer: number | Answer, more: Record<string, unknown> = {}, headers: Record<string, string> = {}): Promise<CreatedWebhook> {
    const url = this.receiverThat(answer, headers)
    const { status, body } = await this.call<CreatedWebhook>('POST', '/api/webhooks/outbound', { name: `Hook ${this.#paths}`, url, events: [event], ...more })
    expect(status).toBe(201)
    return body
  }

  /** Posts an event. @returns its id. */
  async post (event: string, data: Record<string, unknown> = {}): Promise<string> {
    const id = event.startsWith('task.') ? { task_id: 't' } : event.startsWith('meeting.') ? { meeting_id: 'm' } : { support_ticket_id: 's' }
    const { status, body } = await this.call<{ id: string }>('POST', '/api/events', { event, data: { ...id, ...data } })
    expect(status).toBe(202)
    return body.id
  }

  /** The decision about an event for a webhook, once it is this. */
  async decision (eventId: string, webhookId: string, code: string): Promise<Decision> {
    return await eventually(async () => {
      const { body } = await this.call<ExplainedEvent>('GET', `/api/events/${eventId}`)
      const found = body.decisions.data.find(({ webhook }) => webhook.id === webhookId)
      expect(found).toMatchObject({ code })
      return found!
    })
  }
}
