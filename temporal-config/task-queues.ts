/**
 * One task queue a role, and one for notifications, so that a slow receiver takes no slot of what moves money. The signing queue is
 * served by the only process that can read keys.
 */
export const TASK_QUEUES = {
  withdrawals: 'withdrawals',
  signing: 'signing',
  broadcast: 'broadcast',
  monitor: 'monitor',
  notifications: 'notifications',
} as const;
export type TaskQueue = (typeof TASK_QUEUES)[keyof typeof TASK_QUEUES];
