import { randomBytes } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { SignJWT, decodeJwt, decodeProtectedHeader, importJWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assets, idempotencyKeys, outbox, withdrawalEvents, withdrawalRequests } from '../../db/schema/index.ts';
import { ERROR_CATALOGUE, type ErrorCode } from '../../domain/errors.ts';
import { sealHolds } from '../../domain/seal.ts';
import { BODY, RECIPIENT, startTestApi, TOKEN, WALLET, type TestApi } from '../api.testkit.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const ARABIC_ONE = '\u0661';

interface Refusal {
  name: string;
  body?: unknown;
  headers?: Record<string, string | null>;
  status: number;
  code: ErrorCode;
  detail?: { field: string; reason: string };
}

const amount = (text: string, reason: string): Refusal => ({ name: `amount ${text.slice(0, 24)}`, body: { ...BODY, amount: text }, status: 400, code: 'INVALID_AMOUNT', detail: { field: 'amount', reason } });
const address = (name: string, toAddress: string, reason: string): Refusal => ({ name: `address: ${name}`, body: { ...BODY, toAddress }, status: 400, code: 'INVALID_ADDRESS', detail: { field: 'toAddress', reason } });
const shape = (name: string, body: unknown, field: string): Refusal => ({ name, body, status: 400, code: 'VALIDATION_FAILED', detail: { field, reason: expect.any(String) as string } });

const REFUSALS: Refusal[] = [
  { name: 'malformed JSON', body: '{"amount":', status: 400, code: 'VALIDATION_FAILED', detail: { field: 'body', reason: 'malformed-json' } },
  { name: 'an empty body', body: '', status: 400, code: 'VALIDATION_FAILED' },
  { name: 'a poisoned prototype', body: '{"__proto__":{"x":1}}', status: 400, code: 'VALIDATION_FAILED' },
  { name: 'a huge body', body: { ...BODY, amount: '1'.repeat(20_000) }, status: 413, code: 'PAYLOAD_TOO_LARGE' },
  { name: 'another content type', body: 'amount=1', headers: { 'content-type': 'application/x-www-form-urlencoded' }, status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' },
  { name: 'XML', body: '<a/>', headers: { 'content-type': 'application/xml' }, status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' },
  { name: 'plain text', body: JSON.stringify(BODY), headers: { 'content-type': 'text/plain' }, status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' },
  shape('an array', [], 'body'),
  shape('null', 'null', 'body'),
  shape('a number for the amount', { ...BODY, amount: 12.5 }, 'amount'),
  shape('a boolean for the amount', { ...BODY, amount: true }, 'amount'),
  shape('null for the amount', { ...BODY, amount: null }, 'amount'),
  shape('an object for the address', { ...BODY, toAddress: { $ne: '' } }, 'toAddress'),
  shape('a number for the currency', { ...BODY, currency: 1 }, 'currency'),
  shape('an unknown field', { ...BODY, memo: 'x' }, 'memo'),
  shape('an owner from outside', { ...BODY, ownerId: 1 }, 'ownerId'),
  shape('no amount', { currency: BODY.currency, toAddress: BODY.toAddress, network: BODY.network }, 'amount'),
  ...['1e3', '-1', '+1', '', ' 1', '1 ', '01', '00.1', '1.', '.5', ARABIC_ONE, 'NaN', 'Infinity', '0x10', '1,000', '1_000', '1.2.3', '1\n'].map((text) => amount(text, 'format')),
  ...['0', '0.0', '0.000000'].map((text) => amount(text, 'zero')),
  amount('0.1234567', 'decimals'),
  amount(`0.${'1'.repeat(19)}`, 'decimals'),
  amount('9'.repeat(80), 'too-large'),
  amount('0.009999', 'below-minimum'),
  { name: 'nineteen decimals of the native coin', body: { ...BODY, currency: 'POL', amount: `1.${'1'.repeat(19)}` }, status: 400, code: 'INVALID_AMOUNT', detail: { field: 'amount', reason: 'decimals' } },
  { name: 'an amount above the maximum', body: { ...BODY, amount: '1000' }, status: 422, code: 'LIMIT_EXCEEDED', detail: { field: 'amount', reason: 'above-maximum' } },
  address('wrong checksum', RECIPIENT.replace('C5', 'c5'), 'checksum'),
  address('all upper case', `0x${RECIPIENT.slice(2).toUpperCase()}`, 'checksum'),
  address('zero', `0x${'0'.repeat(40)}`, 'zero-address'),
  address("the token's own", TOKEN, 'token-address'),
  address('our wallet', WALLET, 'own-wallet'),
  address('our wallet in lower case', WALLET.toLowerCase(), 'own-wallet'),
  address('no 0x', RECIPIENT.slice(2), 'format'),
  address('too short', RECIPIENT.slice(0, -1), 'format'),
  address('too long', `${RECIPIENT}0`, 'format'),
  address('a name', 'vitalik.eth', 'format'),
  address('blank at the end', `${RECIPIENT} `, 'format'),
  { name: 'an unknown currency', body: { ...BODY, currency: 'DOGE' }, status: 400, code: 'UNSUPPORTED_CURRENCY', detail: { field: 'currency', reason: 'unsupported' } },
  { name: 'a currency in lower case', body: { ...BODY, currency: 'usdc' }, status: 400, code: 'UNSUPPORTED_CURRENCY' },
  { name: 'a currency with a blank behind it', body: { ...BODY, currency: 'USDC ' }, status: 400, code: 'UNSUPPORTED_CURRENCY' },
  { name: 'a currency that is switched off', body: { ...BODY, currency: 'OLD' }, status: 400, code: 'UNSUPPORTED_CURRENCY' },
  { name: 'a network of another deployment', body: { ...BODY, network: 'polygon' }, status: 400, code: 'UNSUPPORTED_NETWORK', detail: { field: 'network', reason: 'unsupported' } },
  { name: 'an unknown network', body: { ...BODY, network: 'ethereum' }, status: 400, code: 'UNSUPPORTED_NETWORK' },
  { name: 'no key', headers: { 'idempotency-key': null }, status: 400, code: 'IDEMPOTENCY_KEY_REQUIRED', detail: { field: 'Idempotency-Key', reason: 'required' } },
  { name: 'a blank key', headers: { 'idempotency-key': '   ' }, status: 400, code: 'IDEMPOTENCY_KEY_REQUIRED' },
  { name: 'no key and a bad body', body: {}, headers: { 'idempotency-key': null }, status: 400, code: 'IDEMPOTENCY_KEY_REQUIRED' },
  { name: 'a key of 129 characters', headers: { 'idempotency-key': 'k'.repeat(129) }, status: 400, code: 'VALIDATION_FAILED', detail: { field: 'Idempotency-Key', reason: 'too-long' } },
  { name: 'a key with a blank inside', headers: { 'idempotency-key': 'a b' }, status: 400, code: 'VALIDATION_FAILED', detail: { field: 'Idempotency-Key', reason: 'characters' } },
  { name: 'a key that is not ASCII', headers: { 'idempotency-key': 'clé-1' }, status: 400, code: 'VALIDATION_FAILED' },
  { name: 'nobody', headers: { authorization: null }, status: 401, code: 'UNAUTHENTICATED' },
  { name: 'nobody with a bad body', body: '{', headers: { authorization: null, 'idempotency-key': null }, status: 401, code: 'UNAUTHENTICATED' },
  { name: 'a bad token', headers: { authorization: 'Bearer abc.def.ghi' }, status: 401, code: 'UNAUTHENTICATED' },
  { name: 'basic credentials', headers: { authorization: 'Basic dXNlcjpwYXNz' }, status: 401, code: 'UNAUTHENTICATED' },
];

describe('POST /withdrawals refuses', () => {
  it.each(REFUSALS)('$name with $status $code', async ({ body = BODY, headers = {}, status, code, detail }) => {
    const before = await api.countWithdrawals();
    const korean = await api.post(body, headers);
    const english = await api.post(body, { ...headers, 'accept-language': 'en-US,en;q=0.9,ko;q=0.5' });
    for (const response of [korean, english]) {
      expect(response.statusCode).toBe(status);
      expect(response.json()).toMatchObject({ error: { code, retryable: ERROR_CATALOGUE[code].retryable }, correlationId: response.headers['x-correlation-id'] });
      const { details = [] } = response.json<{ details?: unknown[] }>();
      expect(details).toEqual(expect.arrayContaining(detail ? [detail] : []));
      expect(response.body).not.toMatch(/node_modules|at .*\.ts|stack/);
    }
    expect(korean.json<{ error: { message: string } }>().error.message).toMatch(/[가-힣]/);
    expect(english.json<{ error: { message: string } }>().error.message).toMatch(/^[^가-힣]+$/);
    expect(await api.countWithdrawals()).toBe(before);
  });

  it('an expired token, another key, algorithm, type or audience', async () => {
    const key = await importJWK(api.signingJwk, 'EdDSA');
    const otherKey = crypto.getRandomValues(new Uint8Array(32));
    const token = api.user.bearer.slice('Bearer '.length);
    const { sid } = decodeJwt(token);
    const { kid = '' } = decodeProtectedHeader(token);
    const make = (change: { exp?: number; typ?: string; aud?: string; sub?: string; sid?: unknown }) =>
      new SignJWT({ role: 'ADMIN', sid, ...('sid' in change ? { sid: change.sid } : {}) })
        .setProtectedHeader({ alg: 'EdDSA', typ: change.typ ?? 'at+jwt', kid })
        .setIssuedAt()
        .setSubject(change.sub ?? String(api.user.id))
        .setIssuer('withdrawal-engine')
        .setAudience(change.aud ?? 'withdrawal-engine-api')
        .setExpirationTime(change.exp ?? Math.floor(Date.now() / 1_000) + 60)
        .sign(key);
    const [, claims] = (await make({})).split('.');
    const none = `${Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt', kid })).toString('base64url')}.${claims}.`;
    const hmac = await new SignJWT({ role: 'ADMIN' }).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid }).setSubject('1').setIssuedAt().setIssuer('withdrawal-engine').setAudience('withdrawal-engine-api').setExpirationTime('1m').sign(otherKey);
    const tokens = [await make({ exp: 1_000 }), await make({ typ: 'JWT' }), await make({ aud: 'other' }), await make({ sub: '999999' }), await make({ sub: "1' OR 1=1" }), await make({ sub: String(api.stranger.id) }), await make({ sid: 'f'.repeat(32) }), await make({ sid: undefined }), none, hmac];
    for (const refused of tokens) expect((await api.post(BODY, { authorization: `Bearer ${refused}` })).json()).toMatchObject({ error: { code: 'UNAUTHENTICATED' } });
    expect((await api.post(BODY, { authorization: `Bearer ${await make({})}` })).statusCode).toBe(202);
  });

  it('without consuming the key', async () => {
    const key = randomBytes(8).toString('hex');
    expect((await api.post({ ...BODY, amount: '0' }, { 'idempotency-key': key })).statusCode).toBe(400);
    expect((await api.post(BODY, { 'idempotency-key': key })).statusCode).toBe(202);
  });
});

describe('POST /withdrawals accepts', () => {
  it('with the whole shape, and commits key, request, promise, event and seal', async () => {
    const response = await api.post({ ...BODY, toAddress: RECIPIENT.toLowerCase(), amount: '12.50' }, { 'x-correlation-id': 'order-00012345' });
    expect(response.statusCode).toBe(202);
    expect(response.headers['x-correlation-id']).toBe('order-00012345');
    const view = response.json<{ requestId: string; createdAt: string }>();
    expect(view).toEqual({
      requestId: expect.stringMatching(/^tx-[0-9]{13}-[0-9a-f]{20}$/),
      status: 'PENDING',
      outcome: 'NOT_SENT',
      amount: '12.5',
      currency: 'USDC',
      toAddress: RECIPIENT,
      tokenAddress: TOKEN,
      network: 'polygon-amoy',
      txHash: null,
      explorerUrl: null,
      errorCode: null,
      errorMessage: null,
      retryable: false,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: view.createdAt,
      completedAt: null,
    });
    const { db } = api.database;
    const [row] = await db.select().from(withdrawalRequests).where(eq(withdrawalRequests.requestId, view.requestId));
    if (!row) throw new Error('no row');
    expect(row).toMatchObject({ ownerId: api.user.id, correlationId: 'order-00012345', amount: 12_500_000n, decimals: 6, chainId: 80002 });
    expect(sealHolds(api.sealKey, row, row.seal)).toBe(true);
    expect(await db.$count(outbox, eq(outbox.requestId, view.requestId))).toBe(1);
    expect(await db.$count(idempotencyKeys, eq(idempotencyKeys.requestId, view.requestId))).toBe(1);
    expect(await db.select().from(withdrawalEvents).where(eq(withdrawalEvents.requestId, view.requestId))).toMatchObject([{ type: 'accepted', status: 'PENDING' }]);
  });

  it('the native coin to its last decimal', async () => {
    const response = await api.post({ ...BODY, currency: 'POL', amount: '0.010000000000000001' });
    expect(response.json()).toMatchObject({ amount: '0.010000000000000001', tokenAddress: null });
  });

  it('the smallest and the largest amount', async () => {
    expect((await api.post({ ...BODY, amount: '0.01' })).statusCode).toBe(202);
    expect((await api.post({ ...BODY, amount: '999.999999' })).statusCode).toBe(202);
  });

  it('a repeat as the same withdrawal, and another body under the key as a conflict', async () => {
    const headers = { 'idempotency-key': 'k'.repeat(128) };
    const first = await api.post(BODY, headers);
    const repeat = await api.post({ network: BODY.network, toAddress: RECIPIENT.toLowerCase(), currency: BODY.currency, amount: '12.500' }, headers);
    expect(repeat.statusCode).toBe(202);
    expect(repeat.json()).toEqual(first.json());
    for (const other of [{ ...BODY, amount: '12.6' }, { ...BODY, currency: 'POL' }, { ...BODY, toAddress: `0x${'1'.repeat(40)}` }]) {
      const conflict = await api.post(other, headers);
      expect(conflict.statusCode).toBe(409);
      expect(conflict.json()).toMatchObject({ error: { code: 'IDEMPOTENCY_CONFLICT', retryable: false } });
    }
    const strangers = await api.post(BODY, { ...headers, authorization: api.stranger.bearer });
    expect(strangers.json<{ requestId: string }>().requestId).not.toBe(first.json<{ requestId: string }>().requestId);
  });

  it('a repeat with its present state, also after its asset was switched off', async () => {
    const headers = { 'idempotency-key': 'state-of-today' };
    const { db } = api.database;
    const { requestId } = (await api.post(BODY, headers)).json<{ requestId: string }>();
    await db.update(withdrawalRequests).set({ status: 'SIGNING' }).where(eq(withdrawalRequests.requestId, requestId));
    await db.update(assets).set({ enabled: false }).where(eq(assets.currency, 'USDC'));
    try {
      expect((await api.post(BODY, headers)).json()).toMatchObject({ requestId, status: 'SIGNING' });
    } finally {
      await db.update(assets).set({ enabled: true }).where(eq(assets.currency, 'USDC'));
    }
  });

  it('fifty at once under one key as one withdrawal', async () => {
    const before = await api.countWithdrawals();
    const responses = await Promise.all(Array.from({ length: 50 }, () => api.post(BODY, { 'idempotency-key': 'fifty-at-once' })));
    expect(new Set(responses.map(({ statusCode }) => statusCode))).toEqual(new Set([202]));
    expect(new Set(responses.map((response) => response.json<{ requestId: string }>().requestId)).size).toBe(1);
    expect(await api.countWithdrawals()).toBe(before + 1);
  });

  it('fifty different ones at once as fifty', async () => {
    const before = await api.countWithdrawals();
    const responses = await Promise.all(Array.from({ length: 50 }, () => api.post(BODY)));
    expect(responses.every(({ statusCode }) => statusCode === 202)).toBe(true);
    expect(await api.countWithdrawals()).toBe(before + 50);
  });

  it('one of two different bodies at once under one key', async () => {
    const pairs = await Promise.all(Array.from({ length: 10 }, (_, pair) => Promise.all(['1', '2'].map((sum) => api.post({ ...BODY, amount: sum }, { 'idempotency-key': `pair-${pair}` })))));
    for (const pair of pairs) expect(new Set(pair.map(({ statusCode }) => statusCode))).toEqual(new Set([202, 409]));
  });
});
