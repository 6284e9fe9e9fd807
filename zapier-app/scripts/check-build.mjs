// Proves that build/build.zip, which Zapier gets, works by itself: unpacked outside the repository it loads, its
// definition is sound, and one create reaches a server. Run `npm run zapier -- build --skip-validation` first.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const zip = join(import.meta.dirname, '../build/build.zip')
const ACCESS_TOKEN = 'check-build-token'
const RECORD = { id: '9c3d7e1a-5b82-4f46-a0d9-4e6b8c2f7a15', customer_id: 'c1', activity_type: 'note', description: 'It works' }

function unpack (folder) {
  assert.ok(existsSync(zip), `${zip} is missing: run \`npm run zapier -- build --skip-validation\` first`)
  execFileSync('unzip', ['-q', zip, '-d', folder])
  const names = readdirSync(folder, { recursive: true })
  const unwanted = names.filter((name) => /(^|[\\/])\.env|\.zapierapprc$|^(server|test)[\\/]/.test(name))
  assert.deepEqual(unwanted, [], 'the build holds files that must not leave the repository')
  return names.length
}

/** A server that answers every request with a record and remembers what it was sent. */
async function startServer () {
  const requests = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    requests.push({ method: request.method, url: request.url, headers: request.headers, body })
    response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify(RECORD))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { server, requests, url: `http://127.0.0.1:${server.address().port}` }
}

async function checkCreate (handler) {
  const { server, requests, url } = await startServer()
  process.env.CSCX_API_URL = url
  try {
    const { results } = await handler({
      command: 'execute',
      method: 'creates.log_activity.operation.perform',
      calledFromCli: true,
      bundle: {
        authData: { access_token: ACCESS_TOKEN },
        inputData: { customer_id: 'c1', activity_type: 'note', description: 'It works', outcome: '' }
      }
    })
    assert.deepEqual(results, RECORD)
  } finally {
    server.close()
    server.closeAllConnections()
  }
  assert.equal(requests.length, 1)
  const [{ method, url: path, headers, body }] = requests
  assert.equal(`${method} ${path}`, 'POST /api/zapier/activities')
  assert.equal(headers.authorization, `Bearer ${ACCESS_TOKEN}`)
  assert.match(headers['idempotency-key'], /^[0-9a-f]{64}$/)
  assert.deepEqual(JSON.parse(body), { customer_id: 'c1', activity_type: 'note', description: 'It works' })
}

const folder = mkdtempSync(join(tmpdir(), 'cscx-zapier-build-'))
try {
  console.log(`ok   unpacked ${unpack(folder)} files, none of them private`)
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const { appRaw, handler } = await import(pathToFileURL(join(folder, 'zapierwrapper.js')).href)
  assert.equal(appRaw.version, version)
  console.log(`ok   loaded version ${version}: ${Object.keys(appRaw.triggers).length} triggers, ${Object.keys(appRaw.creates).length} creates`)
  const { results } = await handler({ command: 'validate', calledFromCli: true })
  assert.deepEqual(results, [], 'the definition does not follow the schema')
  console.log('ok   the definition follows the schema')
  await checkCreate(handler)
  console.log('ok   log_activity reached a server')
} catch (error) {
  console.error(`FAIL ${error.message}`)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
