import { Window, WINDOW } from '../../server/outbound/engine/window.js'

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

test('large deliveries fill it by their size, even before many of them have come', () => {
  const window = new Window()
  window.add('large', MIB)
  expect(window.room).toBeLessThanOrEqual(63)
  expect(window.reserve(WINDOW)).toBeLessThanOrEqual(63)
})

test('it believes in small deliveries again when they come', () => {
  const window = new Window()
  window.add('large', MIB)
  window.remove('large')
  for (let i = 0; i < 3_000; i++) {
    window.add(`d${i}`, 1_000)
    window.remove(`d${i}`)
  }
  expect(window.room).toBe(WINDOW)
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

test('one delivery is always taken when none is under way, however large they are', () => {
  const window = new Window()
  window.add('huge', 200 * MIB)
  expect(window.room).toBe(0)
  window.remove('huge')
  expect(window.reserve(500)).toBe(1)
})
