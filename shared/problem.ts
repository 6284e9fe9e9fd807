import { z } from 'zod'

/*
 * Every error of the API is one of these, as application/problem+json (RFC 9457).
 * To add one: a line here (the key is the stable code), then `throw new ApiProblem('<code>', …)` where it happens.
 */
export const PROBLEMS = {
  malformed_request: { status: 400, title: 'The request could not be read' },
  unauthenticated: { status: 401, title: 'Credentials are missing or not valid' },
  insufficient_scope: { status: 403, title: 'The credentials do not allow this' },
  not_found: { status: 404, title: 'There is nothing at this address' },
  conflict: { status: 409, title: 'This cannot be done as things stand' },
  idempotency_conflict: { status: 409, title: 'The idempotency key was used with another request' },
  payload_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body must be application/json' },
  validation_failed: { status: 422, title: 'Some fields are not valid' },
  customer_not_found: { status: 422, title: 'No customer matches' },
  customer_ambiguous: { status: 422, title: 'More than one customer matches' },
  action_unavailable: { status: 422, title: 'This CSCX database cannot hold such a record' },
  internal_error: { status: 500, title: 'Something went wrong on our side' },
  unavailable: { status: 503, title: 'The service cannot answer right now' }
} as const

export type ProblemCode = keyof typeof PROBLEMS

/** One wrong field. `pointer` is a JSON Pointer (RFC 6901) into the body, or `#query/…` and `#headers/…` outside it. */
export const FieldError = z.object({
  pointer: z.string(),
  detail: z.string(),
  code: z.string()
})
export type FieldError = z.infer<typeof FieldError>

/** A customer that a lookup might have meant. */
export const Candidate = z.object({
  customer_id: z.string(),
  customer_name: z.string().nullable(),
  domain: z.string().nullable()
})
export type Candidate = z.infer<typeof Candidate>

/** RFC 9457 problem details, with our stable `code`, the wrong fields and, for lookups, the candidates. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string().optional(),
  errors: z.array(FieldError).optional(),
  candidates: z.array(Candidate).optional(),
  request_id: z.string().optional()
})
export type Problem = z.infer<typeof Problem>
