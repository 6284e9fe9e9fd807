import { defineEvent } from '../define-event.js'
import { isHeld, meetingData, meetingFields, meetingSample } from './meeting-data.js'

export const meetingScheduled = defineEvent({
  name: 'meeting.scheduled',
  label: 'Meeting Scheduled',
  noun: 'Meeting',
  description: 'Triggers when a meeting with a customer is scheduled.',
  fields: meetingFields,
  sample: meetingSample,
  sources: [{
    kind: 'change',
    table: 'meetings',
    operations: ['INSERT'],
    needs: ['id', 'customer_id'],
    project: (change, context) => isHeld(change.new) ? null : meetingData(change, context)
  }]
})
