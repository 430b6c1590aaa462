/** One task queue a role. The signing queue is served by the only process that can read keys. */
export const TASK_QUEUES = {
  withdrawals: 'withdrawals',
  signing: 'signing',
  broadcast: 'broadcast',
  monitor: 'monitor',
} as const;
export type TaskQueue = (typeof TASK_QUEUES)[keyof typeof TASK_QUEUES];
