import { createServer, type IncomingMessage } from 'node:http'
import { parseArgs } from 'node:util'
import { verifyV1 } from '../../shared/signature.js'

const BODY_MAX = 1024 * 1024

async function readBody (request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > BODY_MAX) throw new Error('The body is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function header (request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

/** Says whether the request was signed with the secret (Standard Webhooks). */
function judge (request: IncomingMessage, body: string, secret: string | undefined): string {
  if (secret === undefined) return 'not checked (give --secret whsec_…)'
  const failure = verifyV1(secret, {
    id: header(request, 'webhook-id'),
    timestamp: header(request, 'webhook-timestamp'),
    signature: header(request, 'webhook-signature'),
    body
  }, Math.floor(Date.now() / 1000))
  return failure ?? 'valid'
}

/** A receiver to try webhooks with: prints what arrives, and whether its signature is right. */
const { values } = parseArgs({ options: { port: { type: 'string', default: '4000' }, secret: { type: 'string' }, status: { type: 'string', default: '200' } } })
createServer((request, response) => {
  readBody(request).then((body) => {
    process.stdout.write(`${request.method} ${request.url} ${header(request, 'x-cscx-event') ?? ''} · signature: ${judge(request, body, values.secret)}\n${body}\n`)
    response.writeHead(Number(values.status)).end()
  }, () => response.writeHead(413).end())
}).listen(Number(values.port), '127.0.0.1', () => process.stdout.write(`Receiving at http://127.0.0.1:${values.port}/\n`))
