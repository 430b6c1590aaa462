import type { RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVERYTHING } from '../../../domain/halts.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { transact } from '../../transact.ts';
import { passHaltGate, untilThrough } from './halt-gate.ts';
import { assertNotHalted, liftHalt, setHalt } from './halts.ts';

const SUBJECT = { chainId: 80_002, tokenAddress: null, walletAddress: '0x00000000000000000000000000000000000000AA' };
const HALT = { scope: 'GLOBAL', target: EVERYTHING, kind: 'OPERATOR' } as const;

describe('the gate before a commit that a halt forbids', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.close());

  const untilSomebodyWaits = async (): Promise<void> => {
    for (;;) {
      const [rows] = await database.pool.query<RowDataPacket[]>("SELECT COUNT(*) AS waiting FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND info LIKE '%halts_gate FOR UPDATE%'");
      if (Number(rows[0]?.['waiting']) > 0) return;
    }
  };

  it('is passed by many at once; who set a halt waits for them, and who comes later sees it', async () => {
    const order: string[] = [];
    const wait: { committed: Promise<void>; through?: Promise<unknown>; late?: Promise<unknown> } = { committed: Promise.resolve() };
    await transact(database.db, async (first) => {
      await passHaltGate(first);
      await assertNotHalted(first, SUBJECT);
      await transact(database.db, passHaltGate);

      await setHalt(database.db, { ...HALT, reason: 'test', setBy: 'test' });
      wait.through = untilThrough(database.db).then(() => order.push('through'));
      await untilSomebodyWaits();
      wait.late = transact(database.db, async (tx) => {
        await passHaltGate(tx);
        await assertNotHalted(tx, SUBJECT);
      }).catch((error: { code: string }) => order.push(error.code));
      order.push('committed');
    });
    await Promise.all([wait.through, wait.late]);
    expect(order[0]).toBe('committed');
    expect(order.toSorted()).toEqual(['HALTED', 'committed', 'through']);
    await liftHalt(database.db, HALT);
  });

  it('holds up nobody when nobody is in it', async () => {
    await untilThrough(database.db);
    await transact(database.db, passHaltGate);
    await expect(untilThrough(database.db)).resolves.toBeUndefined();
  });
});
