export { runAction, type ActionAnswer, type ActionRequest } from './run-action.js'
