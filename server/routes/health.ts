import { z } from 'zod'
import { ApiProblem } from '../problem.js'
import type { RouteContext } from './context.js'
import type { ZodApp } from './zod-app.js'

const Status = z.object({ status: z.literal('ok') })

/** Liveness (the process runs) and readiness (it can do its work). */
export async function healthRoutes (app: ZodApp, { database, isReady }: RouteContext): Promise<void> {
  app.get('/health/live', {
    config: { scope: 'public' },
    schema: { tags: ['Health'], summary: 'Whether the process runs', operationId: 'live', response: { 200: Status } }
  }, async () => ({ status: 'ok' as const }))

  app.get('/health/ready', {
    config: { scope: 'public' },
    schema: { tags: ['Health'], summary: 'Whether the server can do its work', operationId: 'ready', response: { 200: Status } }
  }, async () => {
    if (!isReady()) throw new ApiProblem('unavailable', 'The server is starting or stopping', { headers: { 'retry-after': '1' } })
    await database.sql`select 1`
    return { status: 'ok' as const }
  })
}
