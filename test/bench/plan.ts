/** How long each row measures, in seconds; rounds alternate between what is compared. */
export interface Plan {
  /** Whether what earlier rounds wrote is flushed before the next one, and their databases are dropped. */
  tidies: boolean
  throughput: { rounds: number, warmUp: number, round: number }
  latency: { warmUp: number, at: Array<{ perSecond: number, seconds: number }>, http: Array<{ perSecond: number, seconds: number }> }
  roundTrips: { idle: number, saturated: number }
  capture: { warmUp: number, seconds: number }
  trigger: { rounds: number }
  hanging: { rounds: number, warmUp: number, perSecond: number, seconds: number, backlog: number }
}

/** Takes some minutes. */
export const FULL: Plan = {
  tidies: true,
  throughput: { rounds: 5, warmUp: 3, round: 5 },
  latency: {
    warmUp: 2,
    at: [{ perSecond: 17, seconds: 30 }, { perSecond: 1_000, seconds: 20 }, { perSecond: 5_000, seconds: 20 }],
    http: [{ perSecond: 17, seconds: 20 }, { perSecond: 1_000, seconds: 15 }, { perSecond: 5_000, seconds: 15 }]
  },
  roundTrips: { idle: 10, saturated: 5 },
  capture: { warmUp: 3, seconds: 15 },
  trigger: { rounds: 15 },
  hanging: { rounds: 3, warmUp: 3, perSecond: 1_000, seconds: 8, backlog: 1_000 }
}

/** The whole bench in less than a minute. */
export const QUICK: Plan = {
  tidies: false,
  throughput: { rounds: 2, warmUp: 0.5, round: 0.8 },
  latency: {
    warmUp: 0.5,
    at: [{ perSecond: 17, seconds: 2 }, { perSecond: 1_000, seconds: 2 }, { perSecond: 5_000, seconds: 1.5 }],
    http: [{ perSecond: 1_000, seconds: 1.5 }]
  },
  roundTrips: { idle: 1.5, saturated: 1 },
  capture: { warmUp: 0.5, seconds: 2 },
  trigger: { rounds: 3 },
  hanging: { rounds: 1, warmUp: 0.5, perSecond: 1_000, seconds: 1.2, backlog: 300 }
}
