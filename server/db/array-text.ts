/**
 * A Postgres array as text (PostgreSQL documentation, "Array Input and Output Syntax"), to be cast to its type. For what is
 * written by the hundred: the driver passes text through, while of an array it escapes element by element, which cost as
 * much as sending a request.
 */
export function arrayText (values: ReadonlyArray<string | number | null>): string {
  let text = ''
  for (const value of values) {
    if (text !== '') text += ','
    if (value === null) text += 'NULL'
    else if (typeof value === 'number') text += value
    else text += `"${/["\\]/.test(value) ? value.replaceAll(/["\\]/g, '\\$&') : value}"`
  }
  return `{${text}}`
}
