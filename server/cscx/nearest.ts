/** Words for one thing, in order along a scale: a value that a database lacks becomes the nearest one that it has. */
const SCALES: Readonly<Record<string, ReadonlyArray<readonly string[]>>> = {
  priority: [['low', 'minor'], ['medium', 'normal', 'moderate'], ['high', 'major'], ['urgent', 'critical', 'highest']],
  severity: [['low', 'minor'], ['medium', 'normal', 'moderate'], ['high', 'major'], ['critical', 'urgent', 'severe']],
  sentiment: [['negative', 'detractor', 'unhappy'], ['neutral', 'passive'], ['positive', 'promoter', 'supporter', 'happy']]
}

/** What stands for anything that a list of values does not name. */
const CATCH_ALL = ['other', 'custom', 'unknown', 'general']

/** A word without case, spaces and punctuation: `In Progress` and `in_progress` are one. */
function bare (word: string): string {
  return word.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '')
}

/** The value of a list that is the word in another spelling. */
export function spelled (allowed: readonly string[], word: string): string | undefined {
  return allowed.includes(word) ? word : allowed.find((value) => bare(value) === bare(word))
}

/** The first of the words that is allowed, spelled as there; the first word itself where anything goes (null). */
export function firstAllowed (allowed: readonly string[] | null, words: readonly string[]): string | undefined {
  if (allowed === null) return words[0]
  return words.map((word) => spelled(allowed, word)).find((value) => value !== undefined)
}

/** Whether a column's values lie on a scale, so that any of them may be replaced by its nearest. */
export function hasScale (column: string): boolean {
  return Object.hasOwn(SCALES, column)
}

function nearestOnScale (scale: ReadonlyArray<readonly string[]>, allowed: readonly string[], word: string): string | undefined {
  const rank = (value: string) => scale.findIndex((words) => words.some((known) => bare(known) === bare(value)))
  const wanted = rank(word)
  if (wanted === -1) return undefined
  // Of two that are equally near, the higher: better too loud than unheard.
  return allowed
    .map((value) => ({ value, rank: rank(value) }))
    .filter((candidate) => candidate.rank !== -1)
    .sort((a, b) => Math.abs(a.rank - wanted) - Math.abs(b.rank - wanted) || b.rank - a.rank)[0]?.value
}

/**
 * The allowed value that a word comes closest to: itself in their spelling, the nearest on the column's scale, or a
 * catch-all such as `other`.
 * @returns `same` is false when the word's meaning was lost in part; undefined when nothing is near.
 */
export function nearestAllowed (column: string, allowed: readonly string[], word: string): { value: string, same: boolean } | undefined {
  const same = spelled(allowed, word)
  if (same !== undefined) return { value: same, same: true }
  const scale = SCALES[column]
  const near = scale
    ? nearestOnScale(scale, allowed, word)
    : CATCH_ALL.map((other) => spelled(allowed, other)).find((value) => value !== undefined)
  return near === undefined ? undefined : { value: near, same: false }
}

/** Kinds of activities that are much alike; in each the general ones come first. */
const ACTIVITY_FAMILIES = [
  ['call', 'phone', 'phone call', 'voicemail', 'dial'],
  ['email', 'mail', 'newsletter', 'reply'],
  ['meeting', 'in person', 'video', 'qbr', 'ebr', 'review', 'demo', 'workshop', 'kickoff', 'training', 'webinar', 'visit', 'onsite', 'conference', 'call'],
  ['task', 'todo', 'follow up', 'action item', 'note', 'update'],
  ['document', 'doc', 'file', 'attachment', 'contract', 'proposal', 'invoice', 'note', 'update'],
  ['milestone', 'go live', 'launch', 'onboarding', 'renewal', 'update', 'note'],
  ['note', 'update', 'comment', 'message', 'chat', 'slack', 'sms', 'text', 'ticket', 'survey', 'feedback', 'other', 'activity']
] as const

/**
 * The allowed activity type nearest to the one asked for: the same word, one of its words (`support_call` is a call; the
 * last word weighs most), a relative (`qbr` is a meeting), else a note.
 * @param allowed null where anything goes.
 */
export function nearestActivityType (allowed: readonly string[] | null, asked: string): string {
  if (allowed === null) return asked
  const words = asked.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean).reverse()
  const pairs = words.slice(1).map((word, index) => `${word} ${words[index]}`)
  for (const word of [asked, ...pairs, ...words]) {
    const same = spelled(allowed, word)
    if (same !== undefined) return same
    const family = ACTIVITY_FAMILIES.find((members) => members.some((member) => bare(member) === bare(word)))
    const relative = family?.map((member) => spelled(allowed, member)).find((value) => value !== undefined)
    if (relative !== undefined) return relative
  }
  return firstAllowed(allowed, ['note', 'update', 'other', 'activity']) ?? allowed[0] ?? asked
}
