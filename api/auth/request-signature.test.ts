import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { signatureHeaders } from '../client/sign-request.ts';
import { signatureBase } from '../client/signature-base.ts';
import { isTimely, readSignature, signatureHolds, SIGNATURE_WINDOW_MS } from './request-signature.ts';

const NOW = new Date('2026-11-28T12:00:00.000Z');
const CREDENTIALS = { keyId: `ak_${'0f'.repeat(16)}`, secret: 'a secret of a test' };
const BODY = new TextEncoder().encode('{"amount":"12.5"}');

describe('RFC 9421', () => {
  // The document's own key: B.1.5. Put together, so that nothing takes it for one of ours.
  const SHARED_SECRET = Buffer.from(['uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XBy', 'zNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=='].join(''), 'base64');

  it('B.2.5: the base of the example is signed as it says', () => {
    const components = [['date', 'Tue, 20 Apr 2021 02:07:55 GMT'], ['@authority', 'example.com'], ['content-type', 'application/json']] as const;
    const base = signatureBase(components, '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"');
    expect(base).toBe('"date": Tue, 20 Apr 2021 02:07:55 GMT\n"@authority": example.com\n"content-type": application/json\n"@signature-params": ("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"');
    expect(signatureHolds({ base, signature: 'pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=' }, SHARED_SECRET)).toBe(true);
    expect(signatureHolds({ base: `${base} `, signature: 'pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=' }, SHARED_SECRET)).toBe(false);
  });

  it('has a form written by hand: every line of the base of a whole request', () => {
    const digest = `sha-256=:${createHash('sha256').update(BODY).digest('base64')}:`;
    const parameters = `("@method" "@path" "@query" "content-digest" "idempotency-key");created=1795867200;nonce="0123456789abcdef";keyid="${CREDENTIALS.keyId}";alg="hmac-sha256"`;
    const base = ['"@method": POST', '"@path": /withdrawals', '"@query": ?a=1&b=%20', `"content-digest": ${digest}`, '"idempotency-key": order-1', `"@signature-params": ${parameters}`].join('\n');
    const signature = createHmac('sha256', CREDENTIALS.secret).update(base).digest('base64');
    const headers = { 'content-length': String(BODY.length), 'content-digest': digest, 'idempotency-key': 'order-1', 'signature-input': `s=${parameters}`, signature: `s=:${signature}:` };
    const read = readSignature({ method: 'POST', target: '/withdrawals?a=1&b=%20', headers });
    expect(read).toEqual({ keyId: CREDENTIALS.keyId, nonce: '0123456789abcdef', signedAt: NOW, signature, base, digest });
  });
});

describe('a request signed by the client', () => {
  const request = { method: 'POST', url: 'http://127.0.0.1:3000/withdrawals?page=%2F', body: BODY, idempotencyKey: 'order-1' };
  const signed = async () => ({ 'content-length': String(BODY.length), 'idempotency-key': 'order-1', ...(await signatureHeaders(request, CREDENTIALS, NOW)) }) as Record<string, string>;
  const read = (headers: Record<string, string | undefined>, method = 'POST', target = '/withdrawals?page=%2F') => readSignature({ method, target, headers });
  const passes = (...call: Parameters<typeof read>): boolean => {
    const signature = read(...call);
    return signature !== null && isTimely(signature, NOW) && signatureHolds(signature, CREDENTIALS.secret);
  };

  it('is read and holds, with another nonce each time', async () => {
    const [first, second] = [await signed(), await signed()];
    expect(passes(first)).toBe(true);
    expect(read(first)).toMatchObject({ keyId: CREDENTIALS.keyId, signedAt: NOW });
    expect(read(first)?.nonce).not.toBe(read(second)?.nonce);
  });

  it('without body, query and idempotency key covers what there is', async () => {
    const headers = await signatureHeaders({ method: 'GET', url: 'http://127.0.0.1/withdrawals' }, CREDENTIALS, NOW);
    expect(headers['signature-input']).toMatch(/^sig=\("@method" "@path" "@query"\);created=1795867200;/);
    expect(passes(headers, 'GET', '/withdrawals')).toBe(true);
    expect(passes({ ...headers, 'content-length': '0' }, 'GET', '/withdrawals')).toBe(true);
    expect(passes(headers, 'GET', '/withdrawals?x')).toBe(false);
  });

  it('is refused when any one character of what it covers is another', async () => {
    const headers = await signed();
    const target = '/withdrawals?page=%2F';
    for (let index = 0; index < target.length; index += 1) {
      const other = `${target.slice(0, index)}${target[index] === 'x' ? 'y' : 'x'}${target.slice(index + 1)}`;
      expect([other, passes(headers, 'POST', other)]).toEqual([other, false]);
    }
    for (const method of ['GET', 'PUT', 'post', 'POS', 'POSTT']) expect([method, passes(headers, method)]).toEqual([method, false]);
    for (const name of ['content-digest', 'idempotency-key', 'signature-input', 'signature'] as const) {
      const value = headers[name] ?? '';
      // The label is no part of what is signed: it only has to be the same in both.
      for (let index = name.startsWith('signature') ? 4 : 0; index < value.length; index += 1) {
        const other = `${value.slice(0, index)}${value[index] === 'A' ? 'B' : 'A'}${value.slice(index + 1)}`;
        expect([name, other, passes({ ...headers, [name]: other })]).toEqual([name, other, false]);
      }
    }
    expect(passes(headers)).toBe(true);
  });

  it('is refused in any other form', async () => {
    const headers = await signed();
    const input = headers['signature-input'] ?? '';
    const wrong: Record<string, string | undefined>[] = [
      { 'signature-input': undefined }, { signature: undefined }, { 'content-digest': undefined }, { 'idempotency-key': undefined }, { 'content-length': undefined }, { 'content-length': '0' },
      { 'signature-input': `${input}, ${input}` }, { 'signature-input': input.replace('sig=', 'gis=') }, { 'signature-input': ` ${input}` }, { 'signature-input': `${input};expires=1` }, { 'signature-input': `${input};tag="x"` },
      { 'signature-input': input.replace('"@method" "@path"', '"@path" "@method"') }, { 'signature-input': input.replace(' "content-digest"', '') }, { 'signature-input': input.replace(' "idempotency-key"', '') },
      { 'signature-input': input.replace('"@query"', '"@query" "date"') }, { 'signature-input': input.replace('"@path"', '"@path";req') }, { 'signature-input': input.replace('hmac-sha256', 'ed25519') }, { 'signature-input': input.replace(/;alg=.*/, '') },
      { 'signature-input': input.replace(/;nonce="[^"]*"/, '') }, { 'signature-input': input.replace(/nonce="[^"]*"/, 'nonce="short"') }, { 'signature-input': input.replace(/created=[0-9]+/, 'created=-1') }, { 'signature-input': input.replace(/created=([0-9]+)/, 'created=0$1') },
      { 'signature-input': input.replace(/created=([0-9]+)/, 'created=$1.0') }, { signature: `${headers['signature']}, ${headers['signature']}` }, { signature: (headers['signature'] ?? '').replaceAll(':', '"') },
      { 'content-digest': `${headers['content-digest']}, ${headers['content-digest']}` }, { 'content-digest': (headers['content-digest'] ?? '').replace('sha-256', 'sha-512') }, { 'transfer-encoding': 'chunked', 'content-digest': undefined },
    ];
    for (const change of wrong) expect([change, read({ ...headers, ...change }) === null || !passes({ ...headers, ...change })]).toEqual([change, true]);
    expect(read(headers, 'POST', 'http://127.0.0.1/withdrawals?page=%2F')).toBeNull();
  });

  it('has one spelling: another base64 of the same bytes is none', async () => {
    const headers = await signed();
    const signature = (headers['signature'] ?? '').slice(5, -1);
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    // The last two bits of the last character mean nothing.
    const twin = `${signature.slice(0, 42)}${alphabet[alphabet.indexOf(signature[42] ?? '') ^ 1]}=`;
    expect(Buffer.from(twin, 'base64')).toEqual(Buffer.from(signature, 'base64'));
    expect(passes({ ...headers, signature: `sig=:${twin}:` })).toBe(false);
  });

  it('is believed for half a minute, either way', async () => {
    const signature = read(await signed());
    if (!signature) return expect.unreachable();
    const at = (ms: number) => isTimely(signature, new Date(NOW.getTime() + ms));
    expect([-SIGNATURE_WINDOW_MS - 1, -SIGNATURE_WINDOW_MS, 0, SIGNATURE_WINDOW_MS, SIGNATURE_WINDOW_MS + 1].map(at)).toEqual([false, true, true, true, false]);
  });

  it('is read in a moment however long its header is', () => {
    for (const text of ['('.repeat(16_000), `sig=(${'"@method" '.repeat(1_600)}`, `sig=${' '.repeat(16_000)}`, 'a'.repeat(16_000)]) {
      const started = performance.now();
      expect(read({ 'signature-input': text, signature: text })).toBeNull();
      expect(performance.now() - started).toBeLessThan(1_000);
    }
  });
});
