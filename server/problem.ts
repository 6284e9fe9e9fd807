import { PROBLEMS, type Candidate, type FieldError, type ProblemCode } from '../shared/problem.js'

interface Details {
  errors?: FieldError[]
  candidates?: Candidate[]
  headers?: Record<string, string>
  cause?: unknown
}

/** An error that the caller is told about: answered as application/problem+json (RFC 9457) wherever it is thrown. */
export class ApiProblem extends Error {
  readonly code: ProblemCode
  readonly status: number
  readonly errors: FieldError[] | undefined
  readonly candidates: Candidate[] | undefined
  readonly headers: Record<string, string> | undefined

  /** @param detail A sentence for people; it must hold nothing secret. */
  constructor (code: ProblemCode, detail?: string, { errors, candidates, headers, cause }: Details = {}) {
    super(detail ?? PROBLEMS[code].title, { cause })
    this.code = code
    this.status = PROBLEMS[code].status
    this.errors = errors
    this.candidates = candidates
    this.headers = headers
  }
}

/** A validation problem about one member of the body. */
export function invalidField (pointer: string, detail: string, code = 'invalid'): ApiProblem {
  return new ApiProblem('validation_failed', detail, { errors: [{ pointer, detail, code }] })
}
