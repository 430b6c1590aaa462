import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { alerts } from '../../schema/index.ts';
import { listOpenAlerts, raiseAlert, resolveAlert } from './alerts.ts';

describe('alerts', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    await database.db.delete(alerts);
  });

  const gas = { kind: 'GAS_LOW', chainId: 80_002, subject: '0xabc' } as const;

  it('calls once for one condition, however many see it at once', async () => {
    const raised = await Promise.all(Array.from({ length: 10 }, () => raiseAlert(database.db, gas)));
    expect(raised.filter(Boolean)).toHaveLength(1);
    expect(await listOpenAlerts(database.db)).toMatchObject([{ ...gas, timesSeen: 10 }]);
  });

  it('opens anew after it was resolved, and keeps the old one on record', async () => {
    await raiseAlert(database.db, gas);
    expect(await resolveAlert(database.db, gas.kind, gas.subject)).toBe(true);
    expect(await resolveAlert(database.db, gas.kind, gas.subject)).toBe(false);
    expect(await raiseAlert(database.db, gas)).toBe(true);
    expect(await listOpenAlerts(database.db, gas.subject)).toHaveLength(1);
    expect(await listOpenAlerts(database.db, 'another')).toEqual([]);
    expect(await database.db.select().from(alerts)).toHaveLength(2);
  });
});
