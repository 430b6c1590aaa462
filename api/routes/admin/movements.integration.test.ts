import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { markMovement } from '../../../db/repositories/wallets/treasury-movements.ts';
import { addWallet } from '../../../db/repositories/wallets/wallets.ts';
import { treasuryMovements } from '../../../db/schema/index.ts';
import { transact } from '../../../db/transact.ts';
import { parseAddress, ZERO_ADDRESS } from '../../../domain/address.ts';
import { RECIPIENT, startTestApi, TOKEN, WALLET, type TestAccount, type TestApi } from '../../api.testkit.ts';
import type { MovementView } from '../../schemas/movement.ts';

const SECOND = parseAddress('0x00000000000000000000000000000000000000aa');
const MOVEMENT = { direction: 'out', wallet: WALLET, currency: 'USDC', amount: '12.50', counterparty: RECIPIENT, reason: 'to the vault' };

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await addWallet(api.database.db, { chainId: 80_002, address: SECOND, keyId: 'test' });
});
afterAll(() => api.close());
beforeEach(async () => {
  await api.database.db.delete(treasuryMovements);
});

let keys = 0;
const declare = (body: object, key: string | null = `key-${(keys += 1)}`, by: TestAccount = api.admin) =>
  api.app.inject({ method: 'POST', url: '/admin/treasury/movements', headers: { authorization: by.bearer, 'accept-language': 'en', ...(key !== null && { 'idempotency-key': key }) }, payload: body });
const list = async (query = '') => (await api.get(`/admin/treasury/movements${query}`, api.admin)).json<{ items: MovementView[]; nextCursor: string | null }>();
const rows = () => api.database.db.select().from(treasuryMovements);

describe('POST /admin/treasury/movements', () => {
  it('declares a movement once for a key, at once and afterwards, and says who did', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => declare(MOVEMENT, 'one')));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([201, 201, 201, 201, 201]);
    const [first] = await rows();
    expect(first).toMatchObject({ direction: 'OUT', walletAddress: WALLET, tokenAddress: TOKEN, amount: 12_500_000n, counterparty: RECIPIENT, declaredBy: `account ${api.admin.id}` });
    expect(await rows()).toHaveLength(1);
    for (const answer of [...answers, await declare({ ...MOVEMENT, amount: '12.5', wallet: WALLET.toLowerCase() }, 'one')]) {
      expect(answer.json()).toEqual({ id: first?.id, ...MOVEMENT, amount: '12.5', declaredBy: `account ${api.admin.id}`, declaredAt: first?.declaredAt.toISOString(), state: 'open', txHash: null, explorerUrl: null, matchedAt: null });
    }
    expect(api.logText().match(/a treasury movement was declared/g)).toHaveLength(1);
    expect(api.logText()).toMatch(new RegExp(`"accountId":${api.admin.id},"movementId":${first?.id}`));
  });

  it('refuses another body under the same key, also of another wallet', async () => {
    await declare(MOVEMENT, 'two');
    for (const other of [{ amount: '12.6' }, { direction: 'in' }, { counterparty: TOKEN.toLowerCase().replace('0x5', '0x6') }, { wallet: SECOND }, { reason: 'x' }, { currency: 'POL' }]) {
      const answer = await declare({ ...MOVEMENT, ...other }, 'two');
      expect(answer.json()).toMatchObject({ error: { code: 'IDEMPOTENCY_CONFLICT' } });
    }
    const both = await Promise.all([declare({ ...MOVEMENT, wallet: WALLET }, 'three'), declare({ ...MOVEMENT, wallet: SECOND }, 'three')]);
    expect(both.map(({ statusCode }) => statusCode).toSorted((left, right) => left - right)).toEqual([201, 409]);
    expect(await rows()).toHaveLength(2);
  });

  it.each([
    [{ amount: '0' }, 'amount', 'zero'],
    [{ amount: '-1' }, 'amount', 'format'],
    [{ amount: '0.0000001' }, 'amount', 'decimals'],
    [{ currency: 'DOGE' }, 'currency', 'unsupported'],
    [{ wallet: RECIPIENT }, 'wallet', 'unknown-wallet'],
    [{ wallet: '0x12' }, 'wallet', 'format'],
    [{ counterparty: WALLET }, 'counterparty', 'own-wallet'],
    [{ counterparty: ZERO_ADDRESS }, 'counterparty', 'zero-address'],
    [{ counterparty: TOKEN }, 'counterparty', 'token-address'],
    [{ counterparty: RECIPIENT.replace('C', 'c') }, 'counterparty', 'checksum'],
    [{ direction: 'sideways' }, 'direction', 'enum'],
    [{ reason: ' ' }, 'reason', 'pattern'],
    [{ approved: true }, 'approved', 'additionalProperties'],
  ])('refuses %j', async (wrong, field, reason) => {
    const answer = await declare({ ...MOVEMENT, ...wrong });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ details: [{ field, reason }] });
    expect(await rows()).toEqual([]);
  });

  it('lets money go between our own wallets only as often as its arrival was declared before', async () => {
    const out = { ...MOVEMENT, counterparty: SECOND };
    const arrival = { ...MOVEMENT, direction: 'in', wallet: SECOND, counterparty: WALLET };
    expect((await declare(out)).json()).toMatchObject({ error: { code: 'INVALID_STATE', message: expect.stringContaining('incoming') }, details: [{ field: 'counterparty', reason: 'other-end-undeclared' }] });
    expect((await declare({ ...arrival, amount: '12.4' })).statusCode).toBe(201);
    expect((await declare({ ...arrival, currency: 'POL' })).statusCode).toBe(201);
    expect((await declare(out)).statusCode).toBe(409);
    expect((await declare(arrival)).statusCode).toBe(201);
    const raced = await Promise.all([declare(out, 'once'), declare(out, 'twice'), declare(out, 'thrice')]);
    expect(raced.map(({ statusCode }) => statusCode).toSorted((left, right) => left - right)).toEqual([201, 409, 409]);
    // Said again it is the same one, not a second.
    const granted = ['once', 'twice', 'thrice'][raced.findIndex(({ statusCode }) => statusCode === 201)] ?? '';
    expect((await declare(out, granted)).statusCode).toBe(201);
  });

  it('is for ADMINs, with a key', async () => {
    expect((await declare(MOVEMENT, null)).json()).toMatchObject({ error: { code: 'IDEMPOTENCY_KEY_REQUIRED' } });
    expect((await declare(MOVEMENT, 'key', api.user)).statusCode).toBe(403);
    expect((await api.get('/admin/treasury/movements', api.user)).statusCode).toBe(403);
    expect((await api.app.inject({ method: 'POST', url: '/admin/treasury/movements', payload: {} })).statusCode).toBe(401);
    expect(await rows()).toEqual([]);
  });
});

describe('GET /admin/treasury/movements', () => {
  it('lists newest first, in pages, open or matched', async () => {
    const ids: number[] = [];
    for (const amount of ['1', '2', '3', '4', '5']) ids.push((await declare({ ...MOVEMENT, amount })).json<MovementView>().id);
    const txHash = `0x${'ab'.repeat(32)}` as const;
    await transact(api.database.db, (tx) => markMovement(tx, ids[1] ?? 0, { txHash, logIndex: 3 }));
    const pages: number[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Awaited<ReturnType<typeof list>> = await list(`?limit=2${cursor && `&cursor=${cursor}`}`);
      pages.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(pages).toEqual(ids.toReversed());
    expect((await list('?state=open')).items.map(({ amount }) => amount)).toEqual(['5', '4', '3', '1']);
    expect((await list('?state=matched')).items).toMatchObject([{ id: ids[1], state: 'matched', txHash, explorerUrl: `https://amoy.polygonscan.com/tx/${txHash}`, matchedAt: expect.any(String) }]);
    for (const query of ['state=x', 'cursor=MA', 'cursor=x', 'limit=101']) expect((await api.get(`/admin/treasury/movements?${query}`, api.admin)).statusCode).toBe(400);
  });
});
