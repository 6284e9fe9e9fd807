import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { Scope } from '../../shared/scopes.js'
import { createApiKey, findOrganization } from '../../server/auth/index.js'
import { connect } from '../../server/db/client.js'
import { readEnv } from '../../server/env.js'
import { startServer } from '../../server/server.js'

export interface TestServer {
  url: string
  stop: () => Promise<void>
}

/** Starts the product in this process, on a real database, with loopback receivers allowed and quick retries. */
export async function startTestServer (databaseUrl: string, variables: Record<string, string> = {}): Promise<TestServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'cscx-server-'))
  const env = readEnv({
    DATABASE_URL: databaseUrl,
    DATA_DIR: dataDir,
    PORT: '0',
    ALLOWED_SUBNETS: '127.0.0.0/8',
    ALLOW_HTTP: 'true',
    RETRY_SCHEDULE: '50ms,100ms,200ms',
    LOG_LEVEL: 'silent',
    ...variables
  })
  const server = await startServer(env, pino({ level: env.LOG_LEVEL }), () => {}, (error) => { throw error })
  return {
    url: server.url,
    stop: async () => {
      await server.stop()
      rmSync(dataDir, { recursive: true, force: true })
    }
  }
}

/** An API key of an organization, with all scopes unless said otherwise. */
export async function apiKey (databaseUrl: string, slug: string, scopes: readonly Scope[] = Scope.options): Promise<string> {
  const database = connect(databaseUrl, 1)
  try {
    const organization = await findOrganization(database.sql, slug)
    if (!organization) throw new Error(`No organization ${slug}`)
    return await createApiKey(database, organization.id, 'Test', scopes)
  } finally {
    await database.close()
  }
}

export interface ApiResponse<T> {
  status: number
  headers: Headers
  body: T
}

/** Calls the API as a foreign client does. */
export function apiClient (url: string, key: string) {
  return async function call<T = Record<string, unknown>> (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<ApiResponse<T>> {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: (text === '' ? null : JSON.parse(text)) as T }
  }
}
