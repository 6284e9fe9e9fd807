import { pgSchema } from 'drizzle-orm/pg-core'

/** The adapter's own schema. Never `public`: PostgREST shows that one to browsers. */
export const SCHEMA = 'cscx_zapier'
export const adapter = pgSchema(SCHEMA)
