import { describe, expect, it } from 'vitest';
import { bodyHash } from './body-hash.ts';

const body = { amount: '1.5', currency: 'USDC', toAddress: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8', network: 'polygon-amoy' };

describe('bodyHash', () => {
  it('is the same for the same request spelled otherwise', () => {
    const other = { network: body.network, toAddress: body.toAddress.toLowerCase(), currency: body.currency, amount: '1.500' };
    expect(bodyHash(other)).toBe(bodyHash(body));
    expect(bodyHash({ ...body, amount: '100.0' })).toBe(bodyHash({ ...body, amount: '100' }));
  });

  it.each([{ amount: '1.51' }, { amount: '15' }, { currency: 'USDT' }, { network: 'polygon' }, { toAddress: `0x${'1'.repeat(40)}` }])('differs with %o', (change) => {
    expect(bodyHash({ ...body, ...change })).not.toBe(bodyHash(body));
  });

  it('keeps the zeros that count', () => {
    expect(bodyHash({ ...body, amount: '100' })).not.toBe(bodyHash({ ...body, amount: '1' }));
    expect(bodyHash({ ...body, amount: '1.05' })).not.toBe(bodyHash({ ...body, amount: '1.5' }));
  });
});
