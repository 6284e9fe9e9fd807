import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/*
 * An API key: `cscx_live_<12 id><32 secret><6 crc32>`, all in base62. The id finds the row, the secret holds ~190 bits
 * of entropy (so a plain SHA-256 is hash enough), and the checksum refuses typing errors without asking the database.
 */
const PREFIX = 'cscx_live_'
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const PATTERN = /^cscx_live_[0-9A-Za-z]{50}$/

function randomText (length: number): string {
  let text = ''
  while (text.length < length) {
    // 248 is the largest multiple of 62 below 256: bytes above it would favour the first letters.
    for (const byte of randomBytes(length)) if (byte < 248 && text.length < length) text += ALPHABET[byte % 62]
  }
  return text
}

function checksum (text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let i = 0; i < 6; i++) {
    digits = ALPHABET[rest % 62] + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}

/** A new key; shown to its owner once. */
export function generateKey (): string {
  const body = PREFIX + randomText(12) + randomText(32)
  return body + checksum(body)
}

/** The public part of a key, by which its row is found; undefined when it is not a well-formed key. */
export function keyId (key: string): string | undefined {
  if (!PATTERN.test(key) || checksum(key.slice(0, -6)) !== key.slice(-6)) return undefined
  return key.slice(PREFIX.length, PREFIX.length + 12)
}

export function hashKey (key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
