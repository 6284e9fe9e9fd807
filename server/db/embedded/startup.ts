import { message, stringAt, type Message } from './wire.js'

/** Codes in place of a protocol version (PostgreSQL manual, "Message Formats"). */
const SSL_REQUEST = 80877103
const GSS_REQUEST = 80877104
const CANCEL_REQUEST = 80877102
const PROTOCOL_3_0 = 3 << 16

/** What to do about a message that comes before the session begins. */
export type StartupStep =
  /** Write `reply`; when `isStarted`, the session begins. */
  | { reply: Buffer, isStarted: boolean }
  | 'close'

/**
 * Answers a client's first messages. User, database and settings are not looked at: there is one database, and whoever
 * may open the socket may use it. Encryption is declined, and a request to cancel goes unanswered, as Postgres' do too:
 * the backend cannot be interrupted.
 *
 * @param greeting What the backend said when it started: authentication done, parameters, ready.
 */
export function answerStartup ({ frame }: Message, greeting: Buffer): StartupStep {
  const code = frame.length < 8 ? 0 : frame.readUInt32BE(4)
  if (code === SSL_REQUEST || code === GSS_REQUEST) return { reply: Buffer.from('N'), isStarted: false }
  if (code === CANCEL_REQUEST || code >>> 16 !== 3) return 'close'
  const extensions = protocolExtensions(frame)
  if (code === PROTOCOL_3_0 && extensions.length === 0) return { reply: greeting, isStarted: true }
  return { reply: Buffer.concat([negotiateVersion(extensions), greeting]), isStarted: true }
}

/** Parameters by which newer clients ask for more than protocol 3.0 has. */
function protocolExtensions (frame: Buffer): string[] {
  const names: string[] = []
  for (let at = 8; at < frame.length;) {
    const name = stringAt(frame, at)
    if (name.text.startsWith('_pq_.')) names.push(name.text)
    at = stringAt(frame, name.end).end
  }
  return names
}

/** NegotiateProtocolVersion: 3.0 and no extensions is what there is. */
function negotiateVersion (unknown: readonly string[]): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(PROTOCOL_3_0, 0)
  head.writeUInt32BE(unknown.length, 4)
  return message('v', head, ...unknown).frame
}

/** A startup packet, for starting the backend's one session. */
export function startupPacket (): Buffer {
  const parameters = Buffer.from('user\0postgres\0database\0postgres\0application_name\0cscx-zapier\0\0')
  const head = Buffer.alloc(8)
  head.writeUInt32BE(8 + parameters.length, 0)
  head.writeUInt32BE(PROTOCOL_3_0, 4)
  return Buffer.concat([head, parameters])
}
