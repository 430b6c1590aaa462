import { randomBytes } from 'node:crypto';
import mysql from 'mysql2/promise';
import { inject } from 'vitest';
import { openDatabase, type DatabaseHandle } from '../../db/client.ts';
import { migrateUp } from '../../db/migrate.ts';

export interface TestDatabase extends DatabaseHandle {
  url: string;
  /** of whoever seals rows in it */
  sealKey: Buffer;
}

/** A database of a test file's own, empty and migrated unless told otherwise; `close` drops it. */
export async function createTestDatabase(options: { migrated?: boolean } = {}): Promise<TestDatabase> {
  const { databaseUrl } = inject('infrastructure');
  const name = `withdrawals_${randomBytes(6).toString('hex')}`;
  const admin = await mysql.createConnection(databaseUrl);
  await admin.query(`CREATE DATABASE \`${name}\` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  if (options.migrated !== false) await migrateUp(url.href);
  const handle = openDatabase(url.href);
  return {
    ...handle,
    url: url.href,
    sealKey: randomBytes(32),
    async close() {
      await handle.close();
      await admin.query(`DROP DATABASE \`${name}\``);
      await admin.end();
    },
  };
}
