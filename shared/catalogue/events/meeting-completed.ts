import { defineEvent } from '../define-event.js'
import { isHeld, meetingData, meetingFields, meetingSample } from './meeting-data.js'

export const meetingCompleted = defineEvent({
  name: 'meeting.completed',
  label: 'Meeting Completed',
  noun: 'Meeting',
  description: 'Triggers when a meeting with a customer has taken place.',
  fields: meetingFields,
  sample: { ...meetingSample, status: 'completed' },
  sources: [{
    kind: 'change',
    table: 'meetings',
    operations: ['INSERT', 'UPDATE'],
    needs: ['id', 'customer_id'],
    project: (change, context) => isHeld(change.new) && !isHeld(change.old) ? meetingData(change, context) : null
  }]
})
