import type { CscxSchema } from '../cscx/tables.js'
import type { Ingest, Sender, WebhookContext } from '../outbound/index.js'

/** What routes are given to work with. */
export interface RouteContext extends WebhookContext {
  schema: CscxSchema
  sender: Sender
  ingest: Ingest
  /** Whether the server takes requests: false while it starts and while it drains. */
  isReady: () => boolean
}
