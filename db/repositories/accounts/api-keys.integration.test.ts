import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { apiKeyNonces, apiKeys } from '../../schema/index.ts';
import { forgetRequestNonces, takeRequestNonce } from './api-key-nonces.ts';
import { isUseDue, noteUse } from './api-keys.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

const NOW = new Date('2026-11-28T12:00:00.000Z');
const minutesAgo = (minutes: number) => new Date(NOW.getTime() - minutes * 60_000);

describe('nonces of requests', () => {
  it('are taken once, whoever asks at the same moment, and in each spelling by itself', async () => {
    const take = (nonce: string, keyId = 1) => takeRequestNonce(database.db, { keyId, nonce, signedAt: NOW });
    const answers = await Promise.all(Array.from({ length: 10 }, () => take('same')));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect([await take('SAME'), await take('same', 2), await take('same')]).toEqual([true, true, false]);
  });

  it('are forgotten by age, however many there are', async () => {
    await database.db.delete(apiKeyNonces);
    const row = (index: number, age: number) => ({ keyId: index % 3, nonce: `nonce-${index}`, signedAt: minutesAgo(age) });
    await database.db.insert(apiKeyNonces).values([...Array.from({ length: 2_500 }, (_, index) => row(index, 11)), row(9_000, 10), row(9_001, 0)]);
    await forgetRequestNonces(database.db, minutesAgo(10));
    expect((await database.db.select({ nonce: apiKeyNonces.nonce }).from(apiKeyNonces)).map(({ nonce }) => nonce).toSorted((left, right) => left.localeCompare(right))).toEqual(['nonce-9000', 'nonce-9001']);
    await forgetRequestNonces(database.db, minutesAgo(10));
    expect(await database.db.$count(apiKeyNonces)).toBe(2);
  });
});

describe('the use of a key', () => {
  it('is noted by one of many at the same moment, once a minute', async () => {
    const [{ insertId: id }] = await database.db.insert(apiKeys).values({ keyId: 'ak_1', secretHash: '', ownerId: 1, name: 'x', scopes: [], createdAt: NOW, seal: '' });
    const note = (now: Date, from = '192.0.2.1') => noteUse(database.db, id, { from, now });
    expect((await Promise.all(Array.from({ length: 5 }, () => note(NOW)))).filter(Boolean)).toHaveLength(1);
    expect([await note(new Date(NOW.getTime() + 59_999)), await note(new Date(NOW.getTime() + 60_000), '192.0.2.2')]).toEqual([false, true]);
    expect((await database.db.select().from(apiKeys).where(eq(apiKeys.id, id)))[0]).toMatchObject({ lastUsedAt: new Date(NOW.getTime() + 60_000), lastUsedFrom: '192.0.2.2' });
    expect([isUseDue({ lastUsedAt: null }, NOW), isUseDue({ lastUsedAt: minutesAgo(1) }, NOW), isUseDue({ lastUsedAt: new Date(NOW.getTime() - 59_999) }, NOW)]).toEqual([true, true, false]);
  });
});
