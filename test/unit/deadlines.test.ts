import { Deadlines, type Expiring } from '../../server/outbound/sending/deadlines.js'

interface Item extends Expiring<Item> {
  name: number
}

const item = (name: number): Item => ({ name, previous: undefined, next: undefined, dueMs: 0 })

beforeEach(() => { jest.useFakeTimers() })
afterEach(() => { jest.useRealTimers() })

test('a deadline never fires early, and at most a tenth of a second late', () => {
  const fired: Array<{ name: number, lateMs: number }> = []
  const deadlines = new Deadlines<Item>(250, ({ name, dueMs }) => fired.push({ name, lateMs: performance.now() - dueMs }))
  const starts = [0, 1, 49, 50, 99, 100, 101, 170, 333]
  for (let nowMs = 0; nowMs < 1_000; nowMs++) {
    for (const start of starts.filter((start) => start === nowMs)) deadlines.start(item(start), performance.now())
    jest.advanceTimersByTime(1)
  }
  expect(fired.map(({ name }) => name).sort((a, b) => a - b)).toEqual(starts)
  for (const { lateMs } of fired) {
    expect(lateMs).toBeGreaterThanOrEqual(0)
    expect(lateMs).toBeLessThanOrEqual(101)
  }
})

test('what was stopped does not fire, whatever order they are stopped in', () => {
  const fired: number[] = []
  const deadlines = new Deadlines<Item>(250, ({ name }) => fired.push(name))
  const items = [0, 1, 2, 3, 4, 5].map(item)
  for (const each of items) deadlines.start(each, performance.now())
  for (const number of [0, 5, 2, 2]) deadlines.stop(items[number] as Item)
  jest.advanceTimersByTime(1_000)
  expect(fired.sort()).toEqual([1, 3, 4])
  expect(jest.getTimerCount()).toBe(0)
})

test('one that fires may stop another of the same moment, and start a new one', () => {
  const fired: number[] = []
  const items = [0, 1].map(item) as [Item, Item]
  const deadlines: Deadlines<Item> = new Deadlines<Item>(250, (due) => {
    fired.push(due.name)
    for (const other of items) deadlines.stop(other)
    if (fired.length === 1) deadlines.start(item(2), performance.now())
  })
  for (const each of items) deadlines.start(each, performance.now())
  jest.advanceTimersByTime(1_000)
  expect(fired).toEqual([0, 2])
})
