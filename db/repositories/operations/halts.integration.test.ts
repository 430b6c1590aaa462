import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAddress } from '../../../domain/address.ts';
import { EVERYTHING } from '../../../domain/halts.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { addWallet, getWallet, liftPause, setWalletStatus, stopWallet } from '../wallets/wallets.ts';
import { assertNotHalted, liftHalt, listHalts, setHalt } from './halts.ts';

const WALLET = '0x00000000000000000000000000000000000000AA';
const CHAIN = 80_002;

describe('halts and stops', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
    await addWallet(database.db, { chainId: CHAIN, address: parseAddress(WALLET), keyId: 'key' });
  });
  afterAll(() => database.close());
  const subject = { chainId: CHAIN, tokenAddress: null, walletAddress: WALLET };

  it('stand until lifted; a recovery outweighs a person’s halt', async () => {
    await assertNotHalted(database.db, subject);
    const byHand = { scope: 'WALLET', target: WALLET, kind: 'OPERATOR' } as const;
    await setHalt(database.db, { ...byHand, reason: 'first', setBy: 'a' });
    await setHalt(database.db, { ...byHand, reason: 'second', setBy: 'b' });
    expect(await listHalts(database.db)).toMatchObject([{ reason: 'first', setBy: 'a' }]);
    await expect(assertNotHalted(database.db, subject)).rejects.toMatchObject({ code: 'HALTED' });
    const recovery = { scope: 'GLOBAL', target: EVERYTHING, kind: 'RECOVERY' } as const;
    await setHalt(database.db, { ...recovery, reason: 'behind', setBy: 'engine' });
    await expect(assertNotHalted(database.db, subject)).rejects.toMatchObject({ code: 'BOOKS_BEHIND' });
    expect(await liftHalt(database.db, recovery)).toBe(true);
    expect(await liftHalt(database.db, byHand)).toBe(true);
    expect(await liftHalt(database.db, byHand)).toBe(false);
    await assertNotHalted(database.db, subject);
  });

  it('a pause of the engine is lifted for its own reason only; a halt stays', async () => {
    const status = async () => (await getWallet(database.db, CHAIN, WALLET)).status;
    expect(await stopWallet(database.db, CHAIN, WALLET, { status: 'PAUSED', reason: 'GAS_LOW' })).toBe(true);
    expect(await stopWallet(database.db, CHAIN, WALLET, { status: 'PAUSED', reason: 'NONCE_DRIFT' })).toBe(false);
    expect(await liftPause(database.db, CHAIN, WALLET, 'NONCE_DRIFT')).toBe(false);
    expect(await liftPause(database.db, CHAIN, WALLET, 'GAS_LOW')).toBe(true);
    expect(await status()).toBe('ACTIVE');

    expect(await stopWallet(database.db, CHAIN, WALLET, { status: 'HALTED', reason: 'FOREIGN_OUTFLOW' })).toBe(true);
    expect(await stopWallet(database.db, CHAIN, WALLET, { status: 'PAUSED', reason: 'GAS_LOW' })).toBe(false);
    expect(await liftPause(database.db, CHAIN, WALLET, 'FOREIGN_OUTFLOW')).toBe(false);
    expect(await status()).toBe('HALTED');
    await setWalletStatus(database.db, CHAIN, WALLET, 'PAUSED', 'by hand');
    expect(await liftPause(database.db, CHAIN, WALLET, 'GAS_LOW')).toBe(false);
    await setWalletStatus(database.db, CHAIN, WALLET, 'ACTIVE', null);
  });
});
