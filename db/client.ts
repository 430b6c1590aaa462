import type { Socket } from 'node:net';
import { drizzle, type MySql2Database } from 'drizzle-orm/mysql2';
import mysql, { type Pool } from 'mysql2/promise';
import * as schema from './schema/index.ts';

export type Database = MySql2Database<typeof schema>;
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
/** Anything a repository can query through: the pool, or an open transaction. */
export type Queryable = Database | Transaction;

/** No statement takes this long without a word (a lock is waited for 10 s at most): a connection this silent is dead, or idle. */
const SILENCE_MS_MAX = 30_000;

export interface DatabaseHandle {
  db: Database;
  pool: Pool;
  close(): Promise<void>;
}

/**
 * Opens a pool on a MySQL-compatible server. Sessions run in UTC at READ COMMITTED: every rule that needs more takes
 * its row lock by name, and gap locks would only make concurrent inserts deadlock.
 * @param url `mysql://user:password@host:port/database`
 */
export function openDatabase(url: string, options: { connectionsMax?: number; silenceMsMax?: number } = {}): DatabaseHandle {
  const pool = mysql.createPool({
    uri: url,
    connectionLimit: options.connectionsMax ?? 10,
    timezone: 'Z',
    supportBigNumbers: true,
    bigNumberStrings: false,
    connectTimeout: 5_000,
    enableKeepAlive: true,
  });
  pool.pool.on('connection', (connection) => {
    // The driver knows no time limit: on a line that a firewall forgot, a query, and an activity with it, would hang for ever.
    const { stream } = connection as unknown as { stream: Socket };
    stream.setTimeout(options.silenceMsMax ?? SILENCE_MS_MAX, () => stream.destroy(Object.assign(new Error('the database has been silent'), { code: 'ETIMEDOUT' })));
    connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    connection.query("SET SESSION time_zone = '+00:00', innodb_lock_wait_timeout = 10");
  });
  return { db: drizzle(pool, { schema, mode: 'default' }), pool, close: () => pool.end() };
}
