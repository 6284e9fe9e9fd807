export { attachCapture } from './attach.js'
export { CaptureWorker, CHANGES_CHANNEL } from './capture-worker.js'
export { AcceptedEvent, postEvent, PostedEvent } from './post-event.js'
export { availability } from './sources.js'
