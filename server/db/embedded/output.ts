import { splitMessages, stringAt, type Message } from './wire.js'

/** What ReadyForQuery says of the transaction: I none, T in one, E in a failed one. */
export type Status = 'I' | 'T' | 'E'

export interface Notification {
  channel: string
  /** The NotificationResponse as it goes to whoever listens. */
  frame: Buffer
}

export interface Output {
  /** What belongs to the client that asked. */
  answer: Buffer
  notifications: Notification[]
  /** Null when the output does not end in ReadyForQuery. */
  status: Status | null
  /** Whether a command gave up channels, for everybody, since to the backend all clients are one session. */
  hasUnlistened: boolean
}

/**
 * Reads what the backend put out for one client, and takes out what is not for that client: notifications, which go to
 * those who listen, and CopyInResponse, since clients are invited to send their data beforehand (see copy.ts).
 */
export function readOutput (bytes: Buffer): Output {
  const output: Output = { answer: bytes, notifications: [], status: null, hasUnlistened: false }
  const messages = splitMessages(bytes)
  for (const { type, frame } of messages) {
    if (type === 'A') output.notifications.push({ channel: stringAt(frame, 9).text, frame })
    else if (type === 'C') output.hasUnlistened ||= /^(UNLISTEN|DISCARD ALL)/.test(stringAt(frame, 5).text)
  }
  output.status = statusOf(messages.at(-1))
  const own = messages.filter(({ type }) => type !== 'A' && type !== 'G')
  if (own.length < messages.length) output.answer = Buffer.concat(own.map(({ frame }) => frame))
  return output
}

function statusOf (last: Message | undefined): Status | null {
  return last?.type === 'Z' ? String.fromCharCode(last.frame[5] as number) as Status : null
}
