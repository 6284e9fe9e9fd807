export { forgetExpiredKeys as deleteExpiredIdempotentRequests } from '../idempotency.js'
export { runAction, type ActionAnswer, type ActionRequest } from './run-action.js'
