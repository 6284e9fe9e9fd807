import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeyRing, loadKeyRing } from '../../server/auth/encryption.js'
import { generateKey, keyId } from '../../server/auth/key-format.js'

describe('API keys', () => {
  test('have an id, and a checksum that notices any changed character', () => {
    const key = generateKey()
    expect(key).toMatch(/^cscx_live_[0-9A-Za-z]{50}$/)
    expect(keyId(key)).toBe(key.slice(10, 22))
    for (let i = 10; i < key.length; i++) {
      const other = key[i] === 'a' ? 'b' : 'a'
      expect(keyId(key.slice(0, i) + other + key.slice(i + 1))).toBeUndefined()
    }
  })

  test.each(['', 'cscx_live_', 'cscx_test_' + 'a'.repeat(50), 'x'.repeat(60)])('"%s" is none', (text) => {
    expect(keyId(text)).toBeUndefined()
  })
})

describe('encryption of secrets', () => {
  const older = 'an older key of at least 32 characters'
  const newer = 'a newer key of at least 32 characters!'

  test('opens what it sealed, never the same text twice', () => {
    const ring = createKeyRing([newer])
    const sealed = ring.seal('whsec_abc')
    expect(sealed).not.toContain('whsec_abc')
    expect(ring.seal('whsec_abc')).not.toBe(sealed)
    expect(ring.open(sealed)).toBe('whsec_abc')
  })

  test('a key in front seals, the one behind it still opens', () => {
    const sealed = createKeyRing([older]).seal('secret')
    expect(createKeyRing([newer, older]).open(sealed)).toBe('secret')
    expect(() => createKeyRing([newer]).open(sealed)).toThrow(/not configured/)
  })

  test('notices tampering', () => {
    const ring = createKeyRing([newer])
    const sealed = ring.seal('secret')
    const changed = sealed.slice(0, -2) + (sealed.endsWith('AA') ? 'BB' : 'AA')
    expect(() => ring.open(changed)).toThrow()
  })

  test('refuses short keys and none', () => {
    expect(() => createKeyRing(['short'])).toThrow(RangeError)
    expect(() => createKeyRing([])).toThrow(RangeError)
  })

  test('makes a key in the data directory that only its owner reads, and finds it again', () => {
    const dir = mkdtempSync(join(tmpdir(), 'cscx-keys-'))
    try {
      const sealed = loadKeyRing([], join(dir, 'data')).seal('secret')
      expect(statSync(join(dir, 'data', 'encryption.key')).mode & 0o777).toBe(0o600)
      expect(loadKeyRing([], join(dir, 'data')).open(sealed)).toBe('secret')
    } finally {
      rmSync(dir, { recursive: true })
    }
  })
})
