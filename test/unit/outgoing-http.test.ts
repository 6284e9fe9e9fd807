import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const SERVER = join(__dirname, '../../server')
/** The sender, which judges addresses. Whatever fetches a URL does it through this. */
const SENDER = /^outbound\/sending\//
/** These listen, and reach nothing but what listens here: the embedded database, and the receiver to try things with. */
const LISTENERS = /^(db\/embedded\/|cli\/receiver\.ts$)/
const OPENS_CONNECTIONS = /from '(undici|node:(http|https|http2|net|tls|dgram))'|\bfetch\(|\bWebSocket\(/

test('nothing but the sender makes connections, so that no URL of a user is fetched past its guard', () => {
  const files = readdirSync(SERVER, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const connecting = files.filter((file) => OPENS_CONNECTIONS.test(readFileSync(join(SERVER, file), 'utf8')))
  expect(connecting.filter((file) => SENDER.test(file))).not.toEqual([])
  expect(connecting.filter((file) => !SENDER.test(file) && !LISTENERS.test(file))).toEqual([])
})
