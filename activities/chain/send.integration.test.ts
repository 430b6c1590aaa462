import { Wallet, type TransactionRequest } from 'ethers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { classifySendError, type SendVerdictKind } from '../../domain/send-errors.ts';
import { NODE_ANSWERS } from '../../domain/send-errors.testkit.ts';
import { startTestChain, type TestChain } from '../../tests/harness/chain.ts';
import { sendRawTransaction } from './send.ts';

const GWEI = 10n ** 9n;

/** What a running node says, not what its source says it would. */
describe("anvil's answer to", () => {
  let chain: TestChain;
  let wallet: Wallet;
  beforeAll(async () => {
    chain = await startTestChain();
    await chain.rpc.call('evm_setIntervalMining', [0]);
  });
  afterAll(() => chain.stop());
  beforeEach(async () => {
    wallet = new Wallet(Wallet.createRandom().privateKey);
    await chain.rpc.call('anvil_setBalance', [wallet.address, '0xde0b6b3a7640000']);
  });

  const signed = (changes: TransactionRequest = {}) =>
    wallet.signTransaction({ to: wallet.address, value: 0n, nonce: 0, gasLimit: 21_000n, maxFeePerGas: 100n * GWEI, maxPriorityFeePerGas: 30n * GWEI, chainId: chain.chainId, type: 2, ...changes });
  async function expectAnswer(raw: string, kind: SendVerdictKind): Promise<void> {
    const answer = await sendRawTransaction(chain.rpc, raw);
    expect(answer).toMatchObject({ kind });
    // And the table says so too, word for word.
    expect(NODE_ANSWERS.filter(({ client, text }) => client === 'anvil' && text.split(' -- ')[0] === answer.text.split(' -- ')[0]).map(({ expected }) => expected)).toEqual([kind]);
    expect(classifySendError(answer.text)).toEqual({ kind });
  }

  it('a good transaction is its hash', async () => {
    const raw = await signed();
    expect(await sendRawTransaction(chain.rpc, raw)).toMatchObject({ kind: 'accepted', text: expect.stringMatching(/^0x[0-9a-f]{64}$/) });
  });

  it('the same bytes again is that it has them', async () => {
    const raw = await signed();
    await sendRawTransaction(chain.rpc, raw);
    await expectAnswer(raw, 'already-known');
  });

  it('a mined nonce is that it is too low, also for the mined bytes themselves', async () => {
    const raw = await signed();
    await sendRawTransaction(chain.rpc, raw);
    await chain.rpc.call('anvil_mine', ['0x1']);
    await expectAnswer(await signed({ maxFeePerGas: 200n * GWEI }), 'nonce-consumed');
    await expectAnswer(raw, 'nonce-consumed');
  });

  it('a replacement at the same price is that it is underpriced', async () => {
    await sendRawTransaction(chain.rpc, await signed());
    await expectAnswer(await signed({ value: 1n }), 'underpriced-replacement');
  });

  it('a transaction the wallet cannot pay for is that funds are missing', async () => {
    await chain.rpc.call('anvil_setBalance', [wallet.address, '0x1']);
    await expectAnswer(await signed(), 'insufficient-funds');
  });

  it('a fee below the base fee is that it is too low', async () => {
    await chain.rpc.call('anvil_setNextBlockBaseFeePerGas', [`0x${(50n * GWEI).toString(16)}`]);
    await chain.rpc.call('anvil_mine', ['0x1']);
    await expectAnswer(await signed({ maxFeePerGas: 30n * GWEI }), 'underpriced');
  });

  it.each([
    ['too little gas', { gasLimit: 20_000n }],
    ['more gas than a block has', { gasLimit: 10n ** 12n }],
  ] satisfies [string, TransactionRequest][])('%s is a refusal', async (_name, changes) => {
    await expectAnswer(await signed(changes), 'rejected');
  });

  it('bytes that are no transaction is a refusal', async () => {
    await expectAnswer('0x02c0', 'rejected');
  });

  it('a gap is none: anvil keeps the transaction until the lower nonce comes', async () => {
    expect(await sendRawTransaction(chain.rpc, await signed({ nonce: 5 }))).toMatchObject({ kind: 'accepted' });
  });
});
