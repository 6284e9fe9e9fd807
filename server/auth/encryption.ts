import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Sql } from '../db/client.js'

/** Shortest encryption key, in characters. */
export const KEY_MIN = 32

/** Encrypts and decrypts secrets that must be readable again, such as signing secrets. */
export interface KeyRing {
  /** Names the key that seals; safe to store and log. */
  keyId: string
  seal: (plain: string) => string
  /** @throws Error when the value was sealed with a key that is not on the ring, or was tampered with. */
  open: (sealed: string) => string
}

/** Sealed and kept, it tells whether a ring fits a database. */
const PROBE = 'cscx-zapier'

interface Key {
  id: string
  bytes: Buffer
}

/**
 * A ring of AES-256-GCM keys: the first seals, all of them open, so that keys are rotated by putting a new one in front.
 * A sealed value is `v1.<key id>.<nonce>.<ciphertext and tag>`, the latter two in base64url.
 * @param texts Keys as their owner wrote them: any text of at least 32 characters (32 random bytes in base64, say).
 * @throws RangeError when there is no key or one is too short.
 */
export function createKeyRing (texts: readonly string[]): KeyRing {
  const keys = texts.map(deriveKey)
  const current = keys[0]
  if (!current) throw new RangeError('At least one encryption key is needed')
  return {
    keyId: current.id,
    seal: (plain) => {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', current.bytes, nonce)
      const ciphertext = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return ['v1', current.id, nonce.toString('base64url'), ciphertext.toString('base64url')].join('.')
    },
    open: (sealed) => {
      const [version, id, nonce = '', ciphertext = ''] = sealed.split('.')
      const key = keys.find((candidate) => candidate.id === id)
      if (version !== 'v1' || !key) throw new Error('Sealed with an encryption key that is not configured')
      const bytes = Buffer.from(ciphertext, 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', key.bytes, Buffer.from(nonce, 'base64url'), { authTagLength: 16 })
      decipher.setAuthTag(bytes.subarray(-16))
      return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString('utf8')
    }
  }
}

function deriveKey (text: string): Key {
  if (text.length < KEY_MIN) throw new RangeError(`An encryption key has at least ${KEY_MIN} characters`)
  const bytes = Buffer.from(hkdfSync('sha256', text, '', 'cscx-zapier secrets v1', 32))
  return { bytes, id: createHash('sha256').update(bytes).digest('hex').slice(0, 8) }
}

/** The ring from configured keys or, when there are none, from `encryption.key` in the data directory, made at first start. */
export function loadKeyRing (configured: readonly string[], dataDir: string): KeyRing {
  return createKeyRing(configured.length > 0 ? configured : [readOrCreateKey(dataDir)])
}

function readOrCreateKey (dataDir: string): string {
  const path = join(dataDir, 'encryption.key')
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  try {
    // 'wx' fails when the file is there: of two processes that start at once, one makes the key and both read it.
    writeFileSync(path, randomBytes(32).toString('base64'), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return readFileSync(path, 'utf8').trim()
}

/**
 * Makes sure that this database's secrets can be opened with this ring, before anything is sealed with a wrong one.
 * @throws Error telling what to do when they cannot.
 */
export async function checkKeyRing (sql: Sql, ring: KeyRing): Promise<void> {
  const probe = ring.seal(PROBE)
  await sql`insert into cscx_zapier.settings (name, value) values ('encryption_probe', ${probe}) on conflict (name) do nothing`
  const [row] = await sql<Array<{ value: string }>>`select value from cscx_zapier.settings where name = 'encryption_probe'`
  try {
    ring.open(row?.value ?? '')
  } catch (cause) {
    throw new Error('The secrets in this database were sealed with another encryption key. Set ENCRYPTION_KEY to that key (or keys, newest first), or start with the DATA_DIR whose encryption.key was used.', { cause })
  }
}

/** Notes that everything is sealed with the ring's first key, so that the keys behind it may be retired. */
export async function noteCurrentKey (sql: Sql, ring: KeyRing): Promise<void> {
  await sql`update cscx_zapier.settings set value = ${ring.seal(PROBE)} where name = 'encryption_probe' and split_part(value, '.', 2) <> ${ring.keyId}`
}
