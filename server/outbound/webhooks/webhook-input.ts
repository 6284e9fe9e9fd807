import { z } from 'zod'
import { Filter } from '../../../shared/filter.js'
import { NewSubscription, NewWebhook, WebhookChanges } from '../../../shared/webhook.js'
import { checkFilter } from './filter.js'
import { urlProblem, type UrlPolicy } from './webhook-url.js'

/**
 * The bodies that configure webhooks, with what this server allows and what a filter's event types hold besides: one parse,
 * and so one answer, names every wrong field. URLs come out branded, so that no other can be stored.
 */
export function webhookInput (policy: UrlPolicy) {
  const url = NewWebhook.shape.url.superRefine((text, context) => {
    const problem = urlProblem(text, policy)
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem, params: { code: 'invalid_url' } })
  }).brand('AllowedUrl')
  return {
    NewWebhook: NewWebhook.safeExtend({ url })
      .superRefine(({ filter, events }, context) => addFilterIssues(context, filter, events), { when: hasSoundParts }),
    WebhookChanges: WebhookChanges.safeExtend({ url: url.optional() })
      .superRefine(({ filter, events }, context) => addFilterIssues(context, filter, events), { when: hasSoundParts }),
    NewSubscription: NewSubscription.safeExtend({ target_url: url })
      .superRefine(({ filter, event }, context) => addFilterIssues(context, filter, [event]), { when: hasSoundParts })
  }
}

/** Whether filter and event types can be held against each other, whatever else is wrong: otherwise they are named already. */
function hasSoundParts ({ issues, value }: z.core.ParsePayload): boolean {
  return typeof value === 'object' && value !== null && !issues.some(({ path }) => ['filter', 'events', 'event'].includes(String(path?.[0])))
}

/** Where only one of both is given, the other is the webhook's own: see update-webhook.ts. */
function addFilterIssues (context: z.core.$RefinementCtx, filter: Filter | null | undefined, events: readonly string[] | undefined): void {
  if (!filter || events === undefined) return
  for (const { pointer, detail, code } of checkFilter(filter, events)) {
    context.addIssue({ code: 'custom', path: pointer.split('/').slice(1), message: detail, params: { code } })
  }
}
