export { authenticateKey, createApiKey, findOrganization, type Organization } from './api-keys.js'
export type { Credential } from './credential.js'
export { checkKeyRing, createKeyRing, KEY_MIN, loadKeyRing, noteCurrentKey, type KeyRing } from './encryption.js'
