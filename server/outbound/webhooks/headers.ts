import { MASK } from '../../../shared/webhook.js'
import type { KeyRing } from '../../auth/index.js'
import { invalidFields } from '../../validation.js'

/** Header names whose values are credentials as a rule, and so are shown masked. */
const CREDENTIAL = /auth|token|secret|key|cookie|pass|pwd|credential|signature/i

/** Whether the value of a header of this name is shown to nobody, not even to those who set it. */
export function isCredential (name: string): boolean {
  return CREDENTIAL.test(name)
}

/** Custom headers as the API shows them: deciphered, credentials masked. */
export function viewHeaders (keyRing: KeyRing, sealed: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(sealed).map(([name, value]) => [name, isCredential(name) ? MASK : keyRing.open(value)]))
}

/**
 * Encrypts the values of custom headers; one that came back masked keeps what it was.
 * @param current The webhook's headers so far, sealed.
 * @throws ApiProblem validation_failed that names every masked one which there is no earlier value of.
 */
export function sealHeaders (keyRing: KeyRing, headers: Readonly<Record<string, string>>, current: Readonly<Record<string, string>>): Record<string, string> {
  const unknown = Object.keys(headers).filter((name) => headers[name] === MASK && !Object.hasOwn(current, name))
  if (unknown.length > 0) throw invalidFields(unknown.map((name) => ({ pointer: `/headers/${name.replaceAll('~', '~0')}`, detail: 'There is no earlier value to keep', code: 'invalid' })))
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value === MASK ? current[name] ?? '' : keyRing.seal(value)]))
}
