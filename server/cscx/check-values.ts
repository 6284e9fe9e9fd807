/** What a constraint definition may hold apart from literals for us to read it as a list of values. */
const LIST_WORDS = new Set(['check', 'any', 'array', 'or', 'is', 'null', 'value', 'lower', 'upper', 'btrim', 'trim', 'text', 'character', 'varying', 'bpchar'])
const LITERAL = /'((?:[^']|'')*)'/g

/**
 * Reads the values that a CHECK constraint allows, as `pg_get_constraintdef` writes it:
 * `CHECK ((priority = ANY (ARRAY['Low'::text, 'High'::text])))`, `= 'Low' OR …`, with or without `IS NULL`.
 * @param column The one column that the constraint is about; in a domain's constraint it is called VALUE.
 * @returns the values as written, or null when the constraint says anything else (a range, a pattern, `<>`).
 */
export function checkedValues (definition: string, column: string): string[] | null {
  const values = [...definition.matchAll(LITERAL)].map((match) => (match[1] as string).replaceAll("''", "'"))
  const rest = definition.replace(LITERAL, ' ').replaceAll(`"${column.replaceAll('"', '""')}"`, ' ')
  if (values.length === 0 || !rest.includes('=') || /[<>~!+*/-]/.test(rest)) return null
  const words = rest.toLowerCase().match(/[a-z_][a-z0-9_]*/g) ?? []
  return words.every((word) => word === column || LIST_WORDS.has(word)) ? values : null
}

/** The values that all of a column's constraints allow; null when none of them is a list. */
export function commonValues (lists: ReadonlyArray<string[] | null>): string[] | null {
  return lists.reduce<string[] | null>((common, list) => {
    if (list === null || common === null) return common ?? list
    return common.filter((value) => list.includes(value))
  }, null)
}
