import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestChain, type TestChain } from '../../tests/harness/chain.ts';
import { createRpc } from './rpc.ts';
import { createDecimalsCheck } from './decimals-check.ts';
import type { Address } from '../../domain/address.ts';

describe('decimals check', () => {
  let chain: TestChain;
  beforeAll(async () => {
    chain = await startTestChain();
  });
  afterAll(() => chain.stop());

  it('agrees once and asks no more, refuses other decimals, and lets the native coin pass', async () => {
    const calls: string[] = [];
    const check = createDecimalsCheck(createRpc({ urls: [chain.url], chainId: chain.chainId, onCall: (method) => calls.push(method) }));
    const tokenAddress = chain.tokens.TestUSDC as Address;
    await check({ currency: 'USDC', tokenAddress, decimals: 6 });
    await check({ currency: 'USDC', tokenAddress, decimals: 6 });
    expect(calls).toEqual(['eth_call']);
    await expect(check({ currency: 'USDC', tokenAddress, decimals: 18 })).rejects.toMatchObject({ code: 'UNSUPPORTED_CURRENCY' });
    await expect(check({ currency: 'POL', tokenAddress: null, decimals: 18 })).resolves.toBeUndefined();
  });

  it('does not take an unreachable chain for a wrong token', async () => {
    const check = createDecimalsCheck(createRpc({ urls: ['http://127.0.0.1:1'], chainId: chain.chainId }));
    await expect(check({ currency: 'USDC', tokenAddress: chain.tokens.TestUSDC as Address, decimals: 6 })).rejects.toMatchObject({ code: 'CHAIN_UNAVAILABLE' });
  });
});
