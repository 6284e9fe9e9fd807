import { z } from 'zod'

/** How requests are signed (Standard Webhooks 1.0.0): v1 by HMAC-SHA256 with the secret; v1a by ed25519, to be verified with a public key. */
export const SignatureScheme = z.enum(['v1', 'v1a'])
export type SignatureScheme = z.infer<typeof SignatureScheme>

/** Which signatures a webhook's requests carry. `v1` always: it is what every receiver understands. */
export const SignatureSchemes = z.array(SignatureScheme).min(1).max(2)
  .refine((schemes) => schemes.includes('v1'), 'v1 has to be among them')
  .transform((schemes) => [...new Set(schemes)].sort())
  .meta({ title: 'Signature Schemes', description: 'v1 (HMAC-SHA256 with the secret) alone, or v1 and v1a (ed25519, verified with the public key, which is no secret).' })

/** Longest time for which a replaced secret may still sign, in seconds: a week. */
export const OVERLAP_MAX_SECONDS = 604_800

/** Body of POST /api/webhooks/outbound/:id/rotate-secret. */
export const SecretRotation = z.strictObject({
  overlap_seconds: z.int().min(0).max(OVERLAP_MAX_SECONDS).default(86_400)
    .meta({ title: 'Overlap', description: 'For how many seconds the secret so far still signs beside the new one; 0 ends it, and every earlier one, at once.' })
})
export type SecretRotation = z.output<typeof SecretRotation>

const KeyId = z.string().meta({ description: 'Names the key in the record of each attempt; tells nothing of a secret.' })
const ExpiresAt = z.iso.datetime().nullable().meta({ description: 'Until when it signs beside the key that has replaced it; null of the newest.' })

/** A key that signs, as the API shows it. */
export const KeyView = z.object({ id: KeyId, scheme: SignatureScheme, expires_at: ExpiresAt })
export type KeyView = z.infer<typeof KeyView>

/** The public half of an ed25519 key, as Standard Webhooks writes it. */
export const PublicKeyView = z.object({
  id: KeyId,
  public_key: z.string().meta({ description: 'whpk_ and base64 of the key\'s 32 bytes.' }),
  expires_at: ExpiresAt
})
export type PublicKeyView = z.infer<typeof PublicKeyView>

/** A JWK Set (RFC 7517 §5) of ed25519 keys (RFC 8037 §2). `whpk` is the same key as Standard Webhooks writes it. */
export const PublicKeySet = z.object({
  keys: z.array(z.object({
    kty: z.literal('OKP'),
    crv: z.literal('Ed25519'),
    x: z.string(),
    kid: z.string(),
    use: z.literal('sig'),
    alg: z.literal('EdDSA'),
    whpk: z.string()
  }))
})
export type PublicKeySet = z.infer<typeof PublicKeySet>
