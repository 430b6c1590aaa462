import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { raiseAlert, listOpenAlerts } from '../db/repositories/operations/alerts.ts';
import { ensureFirstRules } from '../db/repositories/policy/first-rules.ts';
import { findUnsealedRows, unsealedPolicySubject } from '../db/repositories/payments/unsealed-rows.ts';
import { createTestDatabase, type TestDatabase } from '../tests/harness/database.ts';
import { OPEN_POLICY, putInForce, putOnList, REST } from '../tests/harness/policies.ts';
import { runScript, type Ended } from '../tests/harness/run-script.ts';

const NETWORK = 'polygon-amoy';
const DENIED = '0x52908400098527886E0F7030069857D2E4169EE7';
const ALLOWED = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await ensureFirstRules(database.db, database.sealKey, { policy: OPEN_POLICY, network: NETWORK });
  await putInForce(database, REST);
  await putOnList(database, { list: 'DENY', address: DENIED });
  await putOnList(database, { list: 'ALLOW', address: ALLOWED, ownerId: 7 });
});
afterAll(() => database.close());

const seals = (args: readonly string[], variables: Record<string, string> = { SEAL_KEY: database.sealKey.toString('base64'), DATABASE_URL: database.url }): Promise<Ended> => runScript('seals.ts', args, variables);

const unsealed = () => findUnsealedRows(database.db, database.sealKey, NETWORK);
const sql = (text: string) => database.pool.query(text);
const fingerprintIn = ({ out }: Ended): string => /fingerprint ([0-9a-f]{32})/.exec(out)?.[1] ?? '';

describe('seals', { timeout: 120_000 }, () => {
  it('says that all is sealed, where it is', async () => {
    expect(await seals(['show'])).toEqual({ code: 0, out: 'every policy version and list entry is sealed\n', err: '' });
    expect(await seals(['adopt', '0'.repeat(32)])).toMatchObject({ code: 1 });
  });

  it('shows rows from before there were seals, and seals them only as they were shown', async () => {
    await sql('UPDATE policies SET seal = NULL, retired_at = NULL');
    await sql('UPDATE listed_addresses SET seal = NULL');
    await sql('DELETE FROM denylist_links');
    await raiseAlert(database.db, { kind: 'SEAL_BROKEN', chainId: 80_002, subject: unsealedPolicySubject(2) });
    const shown = await seals(['show']);
    expect(shown).toMatchObject({ code: 1, err: '' });
    expect(shown.out.split('\n').slice(0, -2)).toEqual([
      expect.stringMatching(/^policy 1 RETIRED, proposed by the settings.*"everything-passes"/),
      expect.stringMatching(/^policy 2 LIVE, proposed by 2000000001, decided by 2000000002 at .*"rest"/),
      expect.stringMatching(new RegExp(`^DENY 1 ${DENIED} for everyone LIVE`)),
      expect.stringMatching(new RegExp(`^ALLOW 2 ${ALLOWED} for account 7 LIVE`)),
      'the links of the denylist',
    ]);

    // Changed between looking and agreeing: nothing is sealed.
    await sql('UPDATE listed_addresses SET owner_id = 8 WHERE id = 2');
    expect(await seals(['adopt', fingerprintIn(shown)])).toMatchObject({ code: 1, out: expect.stringContaining('nothing was sealed') });
    expect((await unsealed()).policies).toHaveLength(2);
    await sql('UPDATE listed_addresses SET owner_id = 7 WHERE id = 2');

    expect(await seals(['adopt', fingerprintIn(shown)])).toMatchObject({ code: 0, out: 'sealed 4 rows\n' });
    expect(await unsealed()).toEqual({ policies: [], listings: [], denylist: false });
    expect(await listOpenAlerts(database.db)).toEqual([]);
    // What was sealed is what the API goes on from.
    await putInForce(database, { ...REST, id: 'next' });
    await putOnList(database, { list: 'DENY', address: ALLOWED });
    expect(await unsealed()).toEqual({ policies: [], listings: [], denylist: false });
  });

  it('shows what was written under another key, or by hand', async () => {
    await sql("UPDATE policies SET document = '{\"rules\":[]}' WHERE status = 'LIVE'");
    const shown = await seals(['show']);
    expect(shown.out).toMatch(/^policy 3 LIVE.*\{"rules":\[\]\}\nfingerprint/);
    const other = await seals(['show'], { SEAL_KEY: Buffer.alloc(32, 1).toString('base64'), DATABASE_URL: database.url });
    expect(other.out.split('\n').length).toBeGreaterThan(6);
  });

  it.each([[['adopt']], [['seal']], [['show', 'x']]])('does nothing on wrong arguments: %j', async (args) => {
    expect(await seals(args)).toMatchObject({ code: 2, out: '' });
  });

  it('takes no half of an installation, and shows no key', async () => {
    const key = 'bm90IGEga2V5';
    const halves: Record<string, string>[] = [{ SEAL_KEY: key }, { DATABASE_URL: database.url }, { SEAL_KEY: key, DATABASE_URL: database.url }];
    for (const variables of halves) {
      const ended = await seals(['show'], variables);
      expect(ended).toMatchObject({ code: 2, out: '' });
      expect(ended.err).not.toContain(key);
    }
  });
});
