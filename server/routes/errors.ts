import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { PROBLEMS, type Problem } from '../../shared/problem.js'
import { databaseError, isDatabaseAway } from '../db/failures.js'
import { ApiProblem } from '../problem.js'

/** Turns whatever was thrown into a problem. Anything unforeseen is a 500 that tells nothing but its request id. */
export function toProblem (error: FastifyError | ApiProblem): ApiProblem {
  if (error instanceof ApiProblem) return error
  const code = error.code ?? ''
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new ApiProblem('payload_too_large')
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return new ApiProblem('unsupported_media_type')
  if (isDatabaseAway(error)) return new ApiProblem('unavailable', 'The database cannot answer right now', { headers: { 'retry-after': '5' }, cause: databaseError(error) })
  // Fastify's own 4xx: JSON that does not parse, an empty body, a malformed URL.
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) return new ApiProblem('malformed_request', error.message)
  return new ApiProblem('internal_error', undefined, { cause: databaseError(error) })
}

export function sendProblem (request: FastifyRequest, reply: FastifyReply, problem: ApiProblem): FastifyReply {
  const body: Problem = {
    type: `urn:cscx:problem:${problem.code}`,
    title: PROBLEMS[problem.code].title,
    status: problem.status,
    code: problem.code,
    detail: problem.message,
    ...(problem.errors ? { errors: problem.errors } : {}),
    ...(problem.candidates ? { candidates: problem.candidates } : {}),
    request_id: request.id
  }
  return reply.code(problem.status).headers(problem.headers ?? {}).type('application/problem+json')
    .serializer((payload: unknown) => JSON.stringify(payload)).send(body)
}

/** Answers every error, and every unknown address, as application/problem+json (RFC 9457). */
export function problemHandlers (app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError | ApiProblem, request, reply) => {
    const problem = toProblem(error)
    if (problem.status >= 500) request.log.error({ err: problem.cause ?? problem }, 'request failed')
    return sendProblem(request, reply, problem)
  })
  app.setNotFoundHandler((request, reply) => sendProblem(request, reply, new ApiProblem('not_found')))
}
