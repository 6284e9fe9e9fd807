import { defineEvent } from '../define-event.js'
import { isCompleted, taskData, taskFields, taskSample } from './task-data.js'

export const taskCompleted = defineEvent({
  name: 'task.completed',
  label: 'Task Completed',
  noun: 'Task',
  description: 'Triggers when a task is completed.',
  fields: taskFields,
  sample: { ...taskSample, status: 'completed', completed_at: '2026-02-10T16:20:00.000Z' },
  sources: [{
    kind: 'change',
    table: 'tasks',
    operations: ['INSERT', 'UPDATE'],
    needs: ['id', 'title'],
    project: (change, context) => {
      if (!isCompleted(change.new) || isCompleted(change.old)) return null
      const data = taskData(change, context)
      return { ...data, completed_at: data.completed_at ?? change.at }
    }
  }]
})
