import { CAP_MAX, CAP_START, Lane } from '../../server/outbound/engine/lane.js'
import { Lanes, ZAPIER_HOOK, ZAPIER_USER, type LaneSettings } from '../../server/outbound/engine/lanes.js'
import { TokenBucket } from '../../server/outbound/engine/token-bucket.js'

const settings = (id: string, more: Partial<LaneSettings> = {}): LaneSettings =>
  ({ id, organizationId: 'o', userId: 'u', kind: 'custom', ordered: false, ratePerSecond: null, rateBurst: null, version: 1, ...more })

describe('a token bucket', () => {
  test('gives its capacity at once, then its rate', () => {
    const bucket = new TokenBucket(10, 5, 0)
    expect(bucket.available(0)).toBe(5)
    bucket.take(5, 0)
    expect(bucket.available(99)).toBe(0)
    expect(bucket.available(100)).toBe(1)
    expect(bucket.available(10_000)).toBe(5)
  })

  test('lets no more through in any period than capacity and rate add up to', () => {
    const bucket = new TokenBucket(ZAPIER_USER.perSecond, ZAPIER_USER.capacity, 0)
    let taken = 0
    for (let now = 0; now < 300_000; now += 10) {
      const count = bucket.available(now)
      bucket.take(count, now)
      taken += count
    }
    expect(taken).toBeLessThanOrEqual(10_000)
    expect(taken).toBeGreaterThan(9_900)
  })

  test('pays a debt before it gives anything, and says when it will', () => {
    const bucket = new TokenBucket(10, 1, 0)
    bucket.take(4, 0)
    expect(bucket.waitMs(0)).toBe(400)
    expect(bucket.available(399)).toBe(0)
    expect(bucket.available(400)).toBe(1)
  })

  test('a clock that goes back fills nothing', () => {
    const bucket = new TokenBucket(10, 5, 1_000)
    bucket.take(5, 1_000)
    expect(bucket.available(0)).toBe(0)
    expect(bucket.available(1_100)).toBe(1)
  })
})

describe('a lane', () => {
  test('its cap doubles with each round of successes while it is what limits, up to a maximum', () => {
    const lane = new Lane(0)
    const round = (now: number) => {
      const places = lane.places(now)
      lane.begin(places, now)
      for (let i = 0; i < places; i++) lane.end('success', now)
      return places
    }
    lane.hasQueue = true
    expect([1, 2, 3].map(round)).toEqual([CAP_START, CAP_START * 2, CAP_START * 4])
    for (let now = 4; now < 20; now++) round(now)
    expect(lane.cap).toBe(CAP_MAX)
  })

  test('a quiet webhook\'s cap does not grow', () => {
    const lane = new Lane(0)
    for (let i = 0; i < 1_000; i++) {
      lane.begin(1, i)
      lane.end('success', i)
    }
    expect(lane.cap).toBe(CAP_START)
  })

  test('timeouts halve it each, a burst of 429s once, plain failures not at all', () => {
    const lane = new Lane(0)
    lane.begin(16, 0)
    for (let i = 0; i < 3; i++) lane.end('slow_down', 100)
    expect(lane.cap).toBe(8)
    lane.end('slow_down', 1_200)
    expect(lane.cap).toBe(4)
    for (let i = 0; i < 5; i++) lane.end('failure', 1_300)
    expect(lane.cap).toBe(4)
    for (let i = 0; i < 5; i++) lane.end('timeout', 1_300)
    expect(lane.cap).toBe(1)
  })

  test('a receiver that answers nothing gets nothing more until it does', () => {
    const lane = new Lane(0)
    lane.begin(2, 0)
    expect(lane.places(1_000)).toBe(CAP_START - 2)
    expect(lane.places(5_000)).toBe(0)
    lane.end('success', 5_000)
    expect(lane.places(5_000)).toBe(CAP_START - 1)
  })

  test('one that asked to be left alone is, until it is over', () => {
    const lane = new Lane(0)
    lane.block(60_000)
    lane.block(1_000)
    expect(lane.places(59_999)).toBe(0)
    expect(lane.nextChangeAt(0)).toBe(60_000)
    expect(lane.places(60_000)).toBe(CAP_START)
  })

  test('an ordered one has one place', () => {
    const lane = new Lane(0)
    lane.configure(true, [])
    expect(lane.places(0)).toBe(1)
    lane.begin(1, 0)
    expect(lane.places(0)).toBe(0)
  })
})

describe('the lanes of a process', () => {
  let now = 0
  const clock = () => now
  beforeEach(() => { now = 0 })

  test('a rate limit is shared between the workers there are', () => {
    const lanes = new Lanes(clock)
    lanes.share(4)
    const lane = lanes.open(settings('w', { ratePerSecond: 40, rateBurst: 20 }))
    expect(lane.places(now)).toBe(5)
    lane.begin(5, now)
    now = 1_000
    expect(Math.min(lane.places(now), 10)).toBe(5)
    lanes.share(1)
    expect(lanes.open(settings('w', { ratePerSecond: 40, rateBurst: 20 }))).toBe(lane)
    now = 2_000
    for (let i = 0; i < 5; i++) lane.end('success', now)
    expect(lane.places(now)).toBe(CAP_START)
  })

  test('Zapier: each hook has its limit, and all hooks of a user have one together', () => {
    const lanes = new Lanes(clock)
    const hooks = Array.from({ length: 300 }, (_, i) => lanes.open(settings(`hook ${i}`, { kind: 'zapier' })))
    const other = lanes.open(settings('other', { kind: 'zapier', userId: 'someone else' }))
    expect(hooks[0]?.places(now)).toBe(ZAPIER_HOOK.capacity)
    let taken = 0
    for (const hook of hooks) {
      const places = hook.places(now)
      hook.begin(places, now)
      taken += places
    }
    expect(taken).toBe(ZAPIER_USER.capacity)
    expect(hooks[299]?.places(now)).toBe(0)
    expect(other.places(now)).toBe(ZAPIER_HOOK.capacity)
  })

  test('changing a webhook\'s settings fills its bucket no sooner', () => {
    const lanes = new Lanes(clock)
    const lane = lanes.open(settings('w', { ratePerSecond: 1, rateBurst: 3 }))
    lane.begin(3, now)
    for (let i = 0; i < 3; i++) lane.end('success', now)
    expect(lanes.open(settings('w', { ratePerSecond: 1, rateBurst: 3, version: 2 })).places(now)).toBe(0)
  })

  test('queues are taken from in turn, so that none waits behind a large one', () => {
    const lanes = new Lanes(clock)
    for (const id of ['a', 'b', 'c']) lanes.open(settings(id)).hasQueue = true
    expect(lanes.wanted(9).map(({ webhookId, count }) => [webhookId, count])).toEqual([['a', 3], ['b', 3], ['c', 3]])
    expect(lanes.wanted(2).map(({ webhookId }) => webhookId)).toEqual(['a', 'b'])
    expect(lanes.wanted(1).map(({ webhookId }) => webhookId)).toEqual(['c'])
  })

  test('what queues has the first half of the places, whatever else is made meanwhile', () => {
    const lanes = new Lanes(clock)
    const lane = lanes.open(settings('a'))
    lane.hasQueue = true
    expect(lanes.places(1_000).places).toEqual(new Map([['a', CAP_START / 2]]))
    lane.begin(CAP_START / 2, now)
    expect(lanes.places(1_000).places).toEqual(new Map([['a', 0]]))
    expect(lanes.wanted(1_000)).toMatchObject([{ webhookId: 'a', count: CAP_START / 2 }])
  })

  test('a webhook that has not answered yet gets a small part of the room', () => {
    const lanes = new Lanes(clock)
    const lane = lanes.open(settings('a'))
    expect(lanes.places(1_000)).toEqual({ default: CAP_START, places: new Map() })
    expect(lanes.places(16)).toEqual({ default: 2, places: new Map() })
    lane.begin(1, now)
    lane.end('success', now)
    expect(lanes.places(16).places).toEqual(new Map([['a', CAP_START - 0]]))
    expect(lanes.places(0)).toEqual({ places: new Map(), default: 0 })
  })

  test('lanes that a new one would be like are forgotten, and no others', () => {
    const lanes = new Lanes(clock)
    lanes.open(settings('idle'))
    lanes.open(settings('busy')).begin(1, now)
    const failed = lanes.open(settings('failed'))
    failed.begin(1, now)
    failed.end('timeout', now)
    lanes.tidy()
    expect(['idle', 'busy', 'failed'].map((id) => lanes.find(id) !== undefined)).toEqual([false, true, true])
    for (let i = 0; i < CAP_START; i++) lanes.tidy()
    expect(lanes.find('failed')).toBeUndefined()
  })
})
