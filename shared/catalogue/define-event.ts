import { z } from 'zod'
import type { Change, ChangeContext, Operation, Row } from './change.js'
import { legacySignedText, type Envelope } from '../envelope.js'
import { formatSecret, signLegacy } from '../signature.js'
import { enumeration, nullable, string } from './fields.js'

/** Where an event comes from, so that a Zap can filter out what it wrote itself. */
export const Origin = z.enum(['cscx', 'zapier', 'inbound_webhook', 'api'])
export type Origin = z.infer<typeof Origin>

/** Members that every event's data ends with; the server fills them in. */
export const originFields = {
  origin: enumeration(Origin, 'Origin', 'What caused the event: cscx (CSCX itself), zapier (an action of a Zap or of this API), inbound_webhook or api (a producer that posted the event).'),
  origin_id: nullable(string('Origin ID', 'The API key or inbound webhook that caused the event; empty when CSCX did.'))
}

type Fields = Record<string, z.ZodType>
type Own<F extends Fields> = z.output<z.ZodObject<F>>

/** An event that is read from captured changes of a CSCX table. */
export interface ChangeSource<F extends Fields = Fields> {
  kind: 'change'
  table: string
  operations: readonly Operation[]
  /** Columns without which this source cannot work. */
  needs: readonly string[]
  /** The event's data, or null when the change is not this event. Pure. */
  project: (change: Change, context: ChangeContext) => Own<F> | null
}

/** A renewal that has come within a threshold: what the daily sweep hands to the event. */
export interface DueRenewal {
  customer: Row
  renewalId: string | null
  /** YYYY-MM-DD. */
  renewalDate: string
  daysUntil: number
  thresholdDays: number
  csmEmail: string | null
}

/** An event that the daily renewal sweep raises, once for each renewal date and threshold. */
export interface RenewalSource<F extends Fields = Fields> {
  kind: 'renewal_sweep'
  project: (renewal: DueRenewal) => Own<F>
}

/** An event about what we do ourselves, raised where it happens: it needs nothing of CSCX's tables, and nobody else may post it. */
export interface OwnSource {
  kind: 'own'
}

export type EventSource<F extends Fields = Fields> = ChangeSource<F> | RenewalSource<F> | OwnSource

interface EventInput<Name extends string, F extends Fields> {
  /** `<record>.<verb in the past>`: the public name, for ever. */
  name: Name
  /** Title Case (Zapier D018). */
  label: string
  /** What the event is about, in Zapier's editor. */
  noun: string
  /** "Triggers when … ." (Zapier D021). */
  description: string
  fields: F
  sample: Own<F>
  /** Where it comes from, in order of preference; which of them a database has differs. */
  sources: ReadonlyArray<EventSource<F>>
  /**
   * `first` (the default): only the first source whose table and columns exist, since one occurrence is written to several.
   * `all`: every one that exists, since each occurrence is written to one of them.
   */
  use?: 'first' | 'all'
}

export interface EventDefinition {
  readonly name: string
  /** The trigger's key in the Zapier app. */
  readonly key: string
  readonly label: string
  readonly noun: string
  readonly description: string
  /** Schema of the envelope's `data`. */
  readonly data: z.ZodObject
  /** A realistic envelope, signed with {@link SAMPLE_SECRET}. */
  readonly sample: Envelope
  readonly sources: readonly EventSource[]
  readonly use: 'first' | 'all'
}

/** The secret of the Standard Webhooks test vectors; sample envelopes are signed with it, so that they too can be verified. */
export const SAMPLE_SECRET = formatSecret(Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64'))

const SAMPLE_ID = '019c0932-1a80-7000-8000-5a9f1e6d2c31'
const SAMPLE_TIMESTAMP = '2026-01-29T10:00:00.000Z'

/** Completes an envelope that no webhook asked for, such as a sample, with a signature by {@link SAMPLE_SECRET}. */
export function signSample (id: string, event: string, timestamp: string, data: Record<string, unknown>): Envelope {
  const signed = legacySignedText({ id, event, timestamp, dataJson: JSON.stringify(data) })
  return { id, event, timestamp, data, signature: signLegacy(SAMPLE_SECRET, signed) }
}

/**
 * Declares an event type. Everything else (route validation, OpenAPI, Zapier trigger, sample, docs) is derived from it.
 * @throws ZodError at load when the sample does not satisfy the schema.
 */
export function defineEvent<const Name extends string, F extends Fields> (event: EventInput<Name, F>): EventDefinition & { readonly name: Name } {
  const data = z.strictObject({ ...event.fields, ...originFields })
  const sample = data.parse({ ...event.sample, origin: 'cscx', origin_id: null })
  return Object.freeze({
    name: event.name,
    key: event.name.replaceAll('.', '_'),
    label: event.label,
    noun: event.noun,
    description: event.description,
    data,
    sample: signSample(SAMPLE_ID, event.name, SAMPLE_TIMESTAMP, sample),
    // A source's own field types matter only inside its file: outside, data is checked by the schema.
    sources: event.sources as unknown as readonly EventSource[],
    use: event.use ?? 'first'
  })
}
