export { attachCapture } from './attach.js'
export { CaptureWorker, CHANGES_CHANNEL } from './capture-worker.js'
export { AcceptedEvent, acceptedEvent, PostedEvent, readPostedEvent } from './post-event.js'
export { availability } from './sources.js'
