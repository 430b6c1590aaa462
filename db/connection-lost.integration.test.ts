import mysql from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { isDatabaseUnavailable } from './connection-lost.ts';

describe('a query that somebody ends', () => {
  let admin: mysql.Connection;
  beforeAll(async () => {
    admin = await mysql.createConnection(inject('infrastructure').databaseUrl);
  });
  afterAll(() => admin.end());

  it.each(['CONNECTION', 'QUERY'])('by KILL %s is the database’s doing, and is tried again', async (what) => {
    const victim = await mysql.createConnection(inject('infrastructure').databaseUrl);
    victim.on('error', () => undefined);
    const [[row]] = await victim.query<mysql.RowDataPacket[]>('SELECT CONNECTION_ID() AS id');
    const asking = victim.query('SELECT SLEEP(60)').catch((error: unknown) => error);
    const isAsked = async () => (await admin.query<mysql.RowDataPacket[]>('SELECT id FROM information_schema.processlist WHERE id = ? AND info LIKE ?', [row?.['id'], '%SLEEP%']))[0].length;
    await expect.poll(isAsked).toBe(1);
    await admin.query(`KILL ${what} ${String(row?.['id'])}`);
    expect(isDatabaseUnavailable(await asking)).toBe(true);
    victim.destroy();
  });

  it('because it is wrong is not', async () => {
    expect(isDatabaseUnavailable(await admin.query('SELECT nothing FROM nowhere').catch((error: unknown) => error))).toBe(false);
  });
});
