import { defineEvent } from '../define-event.js'
import { taskData, taskFields, taskSample } from './task-data.js'

export const taskCreated = defineEvent({
  name: 'task.created',
  label: 'Task Created',
  noun: 'Task',
  description: 'Triggers when a task is created.',
  fields: taskFields,
  sample: taskSample,
  sources: [{ kind: 'change', table: 'tasks', operations: ['INSERT'], needs: ['id', 'title'], project: taskData }]
})
