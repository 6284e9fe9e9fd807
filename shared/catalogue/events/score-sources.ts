import { number, type Change, type ChangeContext } from '../change.js'
import type { ChangeSource } from '../define-event.js'

/** A health score before (null when there was none) and after. */
export interface ScoreStep {
  previous: number | null
  next: number
}

/** Scores are kept in up to three tables; a deployment's first one that exists tells of changes. */
const places: ReadonlyArray<Pick<ChangeSource, 'table' | 'operations' | 'needs'> & { step: (change: Change) => { previous: number | null, next: number | null } }> = [
  {
    table: 'customers',
    operations: ['UPDATE'],
    needs: ['health_score'],
    step: ({ old, new: row }) => ({ previous: number(old ?? {}, 'health_score'), next: number(row ?? {}, 'health_score') })
  },
  {
    table: 'health_score_history',
    operations: ['INSERT'],
    needs: ['customer_id', 'score'],
    step: ({ new: row }) => ({ previous: number(row ?? {}, 'previous_score'), next: number(row ?? {}, 'score') })
  },
  {
    table: 'health_scores',
    // An inserted row does not tell what the score was before.
    operations: ['INSERT', 'UPDATE'],
    needs: ['customer_id', 'overall'],
    step: ({ old, new: row }) => ({ previous: number(old ?? {}, 'overall'), next: number(row ?? {}, 'overall') })
  }
]

/** The sources of a health-score event; `project` decides whether a step is this event. */
export function scoreSources<Data> (project: (step: ScoreStep, context: ChangeContext) => Data | null) {
  return places.map(({ step, ...place }) => ({
    kind: 'change' as const,
    ...place,
    project: (change: Change, context: ChangeContext): Data | null => {
      const { previous, next } = step(change)
      return next === null ? null : project({ previous, next }, context)
    }
  }))
}
