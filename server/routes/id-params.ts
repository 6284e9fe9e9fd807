import { z } from 'zod'
import { isUuid } from '../cursor.js'
import { ApiProblem } from '../problem.js'

export const IdParams = z.object({ id: z.string().meta({ description: 'Id of the record (UUID).' }) })

/** The id in the path. @throws ApiProblem not_found when it cannot be one: nothing is at that address. */
export function idOf ({ id }: z.infer<typeof IdParams>): string {
  if (!isUuid(id)) throw new ApiProblem('not_found')
  return id
}
