import { keccak256, Transaction } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EngineError } from '../../domain/errors.ts';
import { assertSignedTransaction } from './assert-signed-transaction.ts';
import type { Signer, SignRequest, TransactionToSign } from './signer.ts';

/** A custody to be held against the contract of `Signer`, with two wallets whose keys it has. */
export interface SignerBench {
  signer: Signer;
  chainId: number;
  wallet: Pick<SignRequest, 'keyId' | 'address'>;
  other: Pick<SignRequest, 'keyId' | 'address'>;
  /** a key id of the right form that the custody knows nothing of */
  unknownKeyId: string;
  /** makes the custody unreachable, also for a signer that remembers something, until the returned function is called */
  takeAway(): Promise<() => Promise<void>>;
  /** what no error may show: keys, passwords, tokens */
  secrets: readonly string[];
  stop(): Promise<void>;
}

const RECIPIENT = '0x52908400098527886E0F7030069857D2E4169EE7';
const CONCURRENT = 20;
/** Every call is bounded in time, or a signing activity would hang until its own limit. */
const REFUSAL_MS_MAX = 20_000;

/**
 * What any `Signer` must do: run it against every custody there is.
 * @param name the custody, as the test is to be called
 */
export function describeSigner(name: string, start: () => Promise<SignerBench>): void {
  describe(`${name}, by the contract of a signer`, { timeout: 60_000 }, () => {
    let bench: SignerBench;
    beforeAll(async () => {
      bench = await start();
    }, 120_000);
    afterAll(() => bench?.stop());

    const request = (changes: Partial<TransactionToSign> = {}, of: Partial<SignRequest> = {}): SignRequest => ({
      ...bench.wallet,
      chainId: bench.chainId,
      transaction: { to: RECIPIENT, value: 123_456_789n, data: '0xa9059cbb00', nonce: 0, gasLimit: 90_000n, maxFeePerGas: 60_000_000_000n, maxPriorityFeePerGas: 30_000_000_000n, chainId: bench.chainId, ...changes },
      ...of,
    });
    async function refusalOf(asked: SignRequest): Promise<EngineError> {
      try {
        await bench.signer.signTransaction(asked);
      } catch (error) {
        if (error instanceof EngineError) return error;
        throw error;
      }
      throw new Error('it signed');
    }

    it.each<[string, Partial<TransactionToSign>]>([
      ['a call of a contract', {}],
      ['a payment of the native coin', { data: '0x', value: 10n ** 27n }],
      ['a transaction that moves nothing', { data: '0x', value: 0n, gasLimit: 21_000n }],
      ['a high nonce', { nonce: 9_007_199_254 }],
      ['a recipient all in lower case', { to: RECIPIENT.toLowerCase() }],
      ['no tip', { maxPriorityFeePerGas: 0n }],
    ])('signs %s: a type 2 transaction that says what was asked, from the wallet, with its hash', async (_, changes) => {
      const asked = request(changes);
      const signed = await bench.signer.signTransaction(asked);
      assertSignedTransaction(signed, asked);
      expect(signed.txHash).toBe(keccak256(signed.rawTransaction));
    });

    it('may be asked twice: the same payment on the same nonce, whatever the signature', async () => {
      const asked = request();
      for (const signed of [await bench.signer.signTransaction(asked), await bench.signer.signTransaction(asked)]) expect(() => assertSignedTransaction(signed, asked)).not.toThrow();
    });

    it('answers each of many at once with its own', async () => {
      const all = Array.from({ length: CONCURRENT }, (_, nonce) => request({ nonce }, nonce % 2 === 0 ? bench.wallet : bench.other));
      const signed = await Promise.all(all.map((asked) => bench.signer.signTransaction(asked)));
      for (const [index, asked] of all.entries()) assertSignedTransaction(signed[index] as NonNullable<(typeof signed)[number]>, asked);
      expect(new Set(signed.map(({ txHash }) => txHash)).size).toBe(CONCURRENT);
    });

    it('makes a low signature (EIP-2), which every node takes', async () => {
      const { rawTransaction } = await bench.signer.signTransaction(request({ nonce: 3 }));
      expect(BigInt(Transaction.from(rawTransaction).signature?.s ?? 0n)).toBeLessThanOrEqual(0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n);
    });

    it.each<[string, Partial<TransactionToSign>]>([
      ['another chain than the wallet’s', { chainId: 137 }],
      ['a negative nonce', { nonce: -1 }],
      ['a fractional nonce', { nonce: 0.5 }],
      ['a negative value', { value: -1n }],
      ['no gas', { gasLimit: 0n }],
      ['a tip above the fee', { maxPriorityFeePerGas: 60_000_000_001n }],
      ['a recipient that is none', { to: '0x1234' }],
      ['a recipient with a broken checksum', { to: RECIPIENT.replace('E', 'e') }],
      ['data that is none', { data: '0xzz' }],
    ])('refuses %s before a key is touched', async (_, changes) => {
      expect(await refusalOf(request(changes))).toMatchObject({ code: 'INTERNAL', parameters: { reason: 'unsignable-transaction' } });
    });

    it('signs nothing with a key it does not have: no outage, and a person is asked', async () => {
      const refusal = await refusalOf(request({}, { keyId: bench.unknownKeyId }));
      expect(refusal.code).toBe('KEY_UNAVAILABLE');
      expect(refusal.parameters['reason']).not.toBe('secret-store-unavailable');
    });

    it('gives nothing that comes from another wallet than was named', async () => {
      const refusal = await refusalOf(request({}, { keyId: bench.other.keyId }));
      expect(['KEY_UNAVAILABLE', 'INTERNAL']).toContain(refusal.code);
    });

    it('calls an outage by its name, within its time limit, shows nothing secret, and signs again afterwards', async () => {
      const giveBack = await bench.takeAway();
      const startedAt = performance.now();
      const refusal = await refusalOf(request());
      expect(refusal).toMatchObject({ code: 'KEY_UNAVAILABLE', parameters: { reason: 'secret-store-unavailable' } });
      expect(performance.now() - startedAt).toBeLessThan(REFUSAL_MS_MAX);
      const told = shown(refusal);
      for (const secret of bench.secrets) expect(told).not.toContain(secret);
      await giveBack();
      const asked = request();
      assertSignedTransaction(await bench.signer.signTransaction(asked), asked);
    });
  });
}

/** An error with everything below it, as a log would show it. */
function shown(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.name} ${error.message} ${error.stack ?? ''} ${JSON.stringify(error)} ${shown(error.cause)}`;
}
