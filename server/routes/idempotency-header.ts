import type { FastifyRequest } from 'fastify'
import { z } from 'zod'

/** Documents the header; its form is checked where it is used, since other headers come along. */
export const IDEMPOTENCY_HEADER = z.looseObject({
  'idempotency-key': z.string().optional().meta({ description: 'Makes the request safe to repeat for 24 hours: 1 to 255 visible ASCII characters.' })
})

export function idempotencyKey ({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  const value = headers['idempotency-key']
  return Array.isArray(value) ? value[0] : value
}
