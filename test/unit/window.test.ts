import { Window, WINDOW, WINDOW_BYTES } from '../../server/outbound/engine/window.js'

const MIB = 1024 * 1024

test('small deliveries fill it by their number, and no more are granted than there is room for', () => {
  const window = new Window()
  expect(window.reserve(10_000)).toBe(WINDOW)
  expect(window.room).toBe(0)
  for (let i = 0; i < WINDOW; i++) window.add(`d${i}`, 1_000)
  window.settle(WINDOW)
  expect(window.room).toBe(0)
  expect(window.isEmpty).toBe(false)
})

test('what was reserved and not used is room again', () => {
  const window = new Window()
  window.settle(window.reserve(1_000))
  expect(window.room).toBe(WINDOW)
})

test('large deliveries fill it by their size', () => {
  const window = new Window()
  for (let i = 0; i < 10; i++) window.add(`large ${i}`, MIB)
  expect(window.bytes).toBe(WINDOW_BYTES - 10 * MIB)
  expect(window.room).toBe(WINDOW - 10)
  for (let i = 10; i < WINDOW_BYTES / MIB; i++) window.add(`large ${i}`, MIB)
  expect(window.room).toBe(0)
  expect(window.remove('large 0')).toBe(true)
  expect(window.bytes).toBe(MIB)
})

test('a handful is not worth a claim while others are under way; whoever asked in vain is told when there is room', () => {
  const window = new Window()
  for (let i = 0; i < WINDOW; i++) window.add(`d${i}`, 1_000)
  let removed = 0
  expect(window.room).toBe(0)
  while (!window.remove(`d${removed++}`)) expect(removed).toBeLessThan(WINDOW)
  expect(window.room).toBe(removed)
  expect(removed).toBeGreaterThanOrEqual(WINDOW / 16)
  // Told once, until somebody asks in vain again.
  expect(window.remove(`d${removed}`)).toBe(false)
})

test('something is always taken when nothing is under way', () => {
  const window = new Window()
  window.add('huge', 200 * MIB)
  expect(window.room).toBe(0)
  window.remove('huge')
  expect(window.reserve(500)).toBe(500)
})
