import * as zod from 'zod'
import type { ZObject } from 'zapier-platform-core'

/**
 * Checks an answer of CSCX's API against what was agreed, so that a proxy's page or a half-written answer never becomes Zap data.
 * @param what The answer's name in the error message.
 * @throws `z.errors.Error`, which Zapier retries. It names the wrong members but quotes no values: they may be secret.
 */
export function readAnswer<T extends zod.ZodType> (z: ZObject, schema: T, answer: unknown, what: string): zod.output<T> {
  const result = schema.safeParse(answer)
  if (result.success) return result.data
  throw new z.errors.Error(`CSCX sent ${what} that cannot be read. ${zod.prettifyError(result.error)}`)
}
