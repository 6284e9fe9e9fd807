import { z } from 'zod'
import { KEY_MIN } from './auth/index.js'
import { DEFAULT_RETRY_SCHEDULE, isSubnet, parseRetrySchedule } from './outbound/index.js'

const list = (text: string) => text.split(',').map((entry) => entry.trim()).filter((entry) => entry !== '')

const Flag = z.string().optional().transform((text, context) => {
  if (text === undefined || /^(|0|false|no|off)$/i.test(text)) return false
  if (/^(1|true|yes|on)$/i.test(text)) return true
  context.addIssue({ code: 'custom', message: 'Say true or false' })
  return z.NEVER
})

const Schedule = z.string().default(DEFAULT_RETRY_SCHEDULE).transform((text, context) => {
  try {
    return parseRetrySchedule(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message })
    return z.NEVER
  }
})

/** An empty variable counts as one that is not set, as compose files and shells produce them. */
const Variables = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional()
    .describe('A Postgres database, CSCX\'s own as a rule; on a Unix socket: postgres://user@/database?host=/run/postgresql. Unset: an embedded one with demo data.'),
  DATA_DIR: z.string().default('.data')
    .describe('Where the embedded database and the generated encryption key are kept.'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(3000)
    .describe('Port to listen on.'),
  HOST: z.string().default('127.0.0.1')
    .describe('Address to listen on; 0.0.0.0 for every interface.'),
  ROLE: z.enum(['api', 'worker', 'all']).default('all')
    .describe('api answers requests, worker captures and delivers, all does both. Any number of each may share a database.'),
  ALLOWED_SUBNETS: z.string().default('').transform(list).refine((subnets) => subnets.every(isSubnet), 'Give subnets such as 127.0.0.0/8, separated by commas')
    .describe('Private networks that webhooks may reach, for development, such as 127.0.0.0/8.'),
  ALLOW_HTTP: Flag
    .describe('Whether webhooks may use plain http, for development.'),
  RETRY_SCHEDULE: Schedule
    .describe('Waits between attempts of a delivery.'),
  RENEWAL_THRESHOLDS: z.string().default('90,60,30,7').transform((text) => list(text).map(Number)).pipe(z.array(z.int().min(0).max(730)).min(1).max(20))
    .describe('Days before a renewal at which renewal.approaching is raised.'),
  ENCRYPTION_KEY: z.string().default('').transform(list).refine((keys) => keys.every((key) => key.length >= KEY_MIN), `A key has at least ${KEY_MIN} characters`)
    .describe('Keys that secrets in the database are encrypted with, newest first, at least 32 characters each; older ones may go once the server has started with the new one. Unset: one is generated in DATA_DIR.'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info')
    .describe('How much is logged (JSON lines on stderr).')
})

export type Env = z.output<typeof Variables>

/** Names, meanings and defaults of all variables: what the README's table is made from. */
export function describeVariables (): Array<{ name: string, description: string, fallback: string }> {
  return Object.entries(Variables.shape).map(([name, schema]) => {
    const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
    return { name, description: schema.description ?? '', fallback: json.default === undefined ? '' : String(json.default) }
  })
}

/**
 * Reads the configuration; the only place that reads process.env.
 * @throws Error with one line for each variable that is wrong. Values are not repeated: they may be secret.
 */
export function readEnv (variables: NodeJS.ProcessEnv = process.env): Env {
  const present = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''))
  const result = Variables.safeParse(present)
  if (result.success) return result.data
  throw new Error(result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'))
}
