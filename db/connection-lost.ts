/** What the driver and the operating system call a server that cannot be reached, is going away, takes no more connections, or was told to give up a query. */
const CODES = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH',
  'PROTOCOL_CONNECTION_LOST', 'PROTOCOL_SEQUENCE_TIMEOUT', 'ER_CON_COUNT_ERROR', 'ER_SERVER_SHUTDOWN', 'ER_LOCK_WAIT_TIMEOUT', 'ER_LOCK_DEADLOCK', 'ER_OPTION_PREVENTS_STATEMENT',
  'ER_QUERY_INTERRUPTED', 'ER_TOO_MANY_USER_CONNECTIONS', 'ER_READ_ONLY_MODE',
]);

/**
 * True when the database could not answer now but may soon: unreachable, overloaded, or read-only after a fail-over.
 * Whether an open transaction was committed is unknown then.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string' && CODES.has(error.code)) return true;
  // The driver's own wording for a connection that a pool handed out after it had closed.
  if (/closed state|Connection lost|Pool is closed|Queue limit reached/.test(error.message)) return true;
  return isDatabaseUnavailable(error.cause);
}
