/**
 * How much each worker takes on at once, and why. One process of a role; more processes add up. Pollers stay the SDK's own: autoscaling
 * from 1, as a burst asks for.
 */
export const WORKER_TUNING = {
  /** Each process runs workflow code on one thread: more tasks at once than this only wait for it. */
  withdrawals: {
    maxConcurrentWorkflowTaskExecutions: 40,
    /** Each holds a database connection for a moment, and the pool of a worker has ten: five deep is still below a second. */
    maxConcurrentActivityTaskExecutions: 50,
    maxConcurrentLocalActivityExecutions: 50,
  },
  /**
   * A signature holds its wallet's row while it reserves and commits, so the signatures of one wallet come one after the other; twenty
   * keep several wallets busy and do not take the database's connections for what waits anyway.
   */
  signing: { maxConcurrentActivityTaskExecutions: 20 },
  /** Each waits for one answer of a node. Fifty at 100 ms are 500 sends a second, more than the in-flight windows let through. */
  broadcast: { maxConcurrentActivityTaskExecutions: 50 },
  /**
   * A waiting withdrawal costs one heartbeating activity and no RPC call of its own, so thousands may wait in one process; how fast
   * they may begin is bounded, as each reads the database once.
   */
  monitor: { maxConcurrentActivityTaskExecutions: 5_000, maxActivitiesPerSecond: 500 },
  /** Each is little but a socket, and one receiver gets only a few. Its workflows sleep between attempts. */
  notifications: { maxConcurrentActivityTaskExecutions: 200, maxConcurrentWorkflowTaskExecutions: 20 },
} as const;
