/** One line of the table. */
export interface Row {
  /** The name that `--only` takes. */
  row: string
  what: string
  /** Undefined for what is told and not judged. */
  goal?: string
  measured: string
  /** Whether the goal is met; undefined where there is none. */
  met?: boolean
  /** What the figure was made from. */
  samples: unknown
}

const HEADINGS = ['', 'what', 'goal', 'measured']

/** The rows as a table for people. */
export function formatTable (rows: readonly Row[]): string {
  const lines = [HEADINGS, ...rows.map(({ what, goal = '', measured, met }) => [met === undefined ? '' : met ? '✓' : '✗', what, goal, measured])]
  const widths = HEADINGS.map((_heading, column) => Math.max(...lines.map((line) => [...line[column] ?? ''].length)))
  const format = (line: string[]) => line.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - [...cell].length)).join('  ').trimEnd()
  const [head = [], ...body] = lines
  return [format(head), widths.map((width) => '─'.repeat(width)).join('  '), ...body.map(format)].join('\n')
}

/** A number as people read it: 20,143 or 3.2 or 0.043. */
export function figure (value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3
  return value.toLocaleString('en-US', { maximumFractionDigits: digits })
}
