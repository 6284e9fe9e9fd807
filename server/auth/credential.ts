import type { Scope } from '../../shared/scopes.js'

/** Who makes a request: an API key of one organization. */
export interface Credential {
  kind: 'api_key'
  id: string
  organizationId: string
  organizationName: string
  /** What its owner calls it. */
  name: string
  email: string | null
  scopes: readonly Scope[]
}
