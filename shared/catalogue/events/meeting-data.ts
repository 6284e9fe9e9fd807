import { currentRow, instant, text, type Change, type ChangeContext } from '../change.js'
import { csmField, csmOf, csmSample, customerFields, customerOf, customerSample, id, instantField, longText, nullable, string } from '../fields.js'

export const meetingFields = {
  meeting_id: id('Meeting ID', 'The meeting in CSCX.'),
  ...customerFields,
  title: nullable(string('Title', 'Title of the meeting.')),
  description: nullable(longText('Description', 'Agenda or notes.')),
  status: nullable(string('Status', 'Status of the meeting.')),
  meeting_type: nullable(string('Meeting Type', 'Kind of meeting.')),
  starts_at: nullable(instantField('Starts At', 'When the meeting starts.')),
  ends_at: nullable(instantField('Ends At', 'When the meeting ends.')),
  ...csmField
}

export const meetingSample = {
  meeting_id: '8a2f6c9d-417b-4e05-b8c3-0d9e5f7a1b26',
  ...customerSample,
  title: 'Quarterly business review',
  description: 'Goals, adoption and roadmap',
  status: 'scheduled',
  meeting_type: 'qbr',
  starts_at: '2026-02-12T15:00:00.000Z',
  ends_at: '2026-02-12T16:00:00.000Z',
  ...csmSample
}

/** Whether a `meetings` row has taken place, by its status or its completion time. */
export function isHeld (row: Change['old']): boolean {
  return row !== null && (['completed', 'held', 'done'].includes(text(row, 'status')?.toLowerCase() ?? '') || instant(row, 'completed_at') !== null)
}

/** Reads a `meetings` row. */
export function meetingData (change: Change, context: ChangeContext) {
  const row = currentRow(change)
  return {
    meeting_id: text(row, 'id') ?? '',
    ...customerOf(context, text(row, 'customer_id')),
    title: text(row, 'title', 'subject', 'summary'),
    description: text(row, 'description', 'notes', 'agenda'),
    status: text(row, 'status')?.toLowerCase() ?? null,
    meeting_type: text(row, 'meeting_type', 'type'),
    starts_at: instant(row, 'scheduled_at', 'start_time', 'starts_at', 'start_at', 'meeting_date'),
    ends_at: instant(row, 'end_time', 'ends_at', 'end_at'),
    ...csmOf(context, row)
  }
}
