import type { Database } from './db/client.js'
import { forgetExpiredKeys } from './idempotency.js'
import { startLoop, type Loop } from './loop.js'
import { cancelLeftovers, disableFailing, DISABLE_FAILING_MS, dropExpiredKeys, END_NOTICES_MS, sendEndNotices, type Sender } from './outbound/index.js'

/** How often what has expired is forgotten, a batch at a time. */
const FORGET_MS = 600_000
const CANCEL_LEFTOVERS_MS = 60_000

interface ChoreContext {
  database: Database
  sender: Sender
  onError: (error: unknown, doing: string) => void
  onNotice: (message: string) => void
}

/** Starts what is done now and then, by whichever worker comes to it first. */
export function startChores ({ database, sender, onError, onNotice }: ChoreContext): Loop[] {
  const { sql } = database
  const chore = (doing: string, pauseMs: number, run: () => Promise<number>) =>
    startLoop({ run: async () => await run() > 0, pauseMs, onError: (error) => onError(error, doing) })
  return [
    chore('forget idempotency keys', FORGET_MS, async () => await forgetExpiredKeys(sql)),
    chore('forget retired signing keys', FORGET_MS, async () => await dropExpiredKeys(sql)),
    chore('cancel what ended webhooks have left', CANCEL_LEFTOVERS_MS, async () => await cancelLeftovers(database)),
    chore('disable webhooks that fail for days', DISABLE_FAILING_MS, async () => await disableFailing(database)),
    chore('tell Zapier of ended subscriptions', END_NOTICES_MS, async () => {
      const { tried, givenUp } = await sendEndNotices(database, sender)
      for (const { webhookId, error } of givenUp) onNotice(`Zapier could not be told that webhook ${webhookId} ended: ${error}`)
      return tried
    })
  ]
}
