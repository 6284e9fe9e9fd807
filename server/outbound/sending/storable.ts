/** NUL is valid in what a receiver answers, but not in Postgres' text and jsonb. */
export function storable (text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text
}
