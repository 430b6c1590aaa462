import { HDNodeWallet, Mnemonic, Transaction } from 'ethers';
import { startAnvil } from '../../scripts/stack/infrastructure.ts';
import type { Hash } from './blocks.ts';
import { createRpc, type Rpc } from './rpc.ts';

/** Anvil's published development phrase: its accounts exist on test chains only. */
const PHRASE = Mnemonic.fromPhrase('test test test test test test test test test test test junk');
const NEVER_SECONDS = 86_400;
const GWEI = 10n ** 9n;

export interface ManualChain {
  url: string;
  chainId: number;
  rpc: Rpc;
  mine(blocks?: number): Promise<void>;
  head(): Promise<number>;
  /** a stranger's transfer of one wei, signed but not sent; fees in gwei */
  signTransfer(account: number, nonce: number, feeGwei?: number): { from: string; txHash: Hash; raw: string };
  /** drops the newest `depth` blocks and puts as many in their place: empty but for the given bytes, each in the block that many above the fork */
  reorg(depth: number, transactions?: readonly (readonly [raw: string, offset: number])[]): Promise<void>;
  stop(): Promise<void>;
}

/** A chain that makes a block only when it is told to. */
export async function startManualChain(chainId = 80_002): Promise<ManualChain> {
  const anvil = await startAnvil({ blockTimeSeconds: NEVER_SECONDS, chainId });
  const rpc = createRpc({ urls: [anvil.url], chainId });
  return {
    url: anvil.url,
    chainId,
    rpc,
    mine: async (blocks = 1) => {
      await rpc.call('anvil_mine', [`0x${blocks.toString(16)}`]);
    },
    head: async () => Number(await rpc.call<string>('eth_blockNumber', [])),
    signTransfer(account, nonce, feeGwei = 50) {
      const wallet = HDNodeWallet.fromMnemonic(PHRASE, `m/44'/60'/0'/0/${account}`);
      const fee = BigInt(feeGwei) * GWEI;
      const transaction = Transaction.from({ type: 2, chainId, nonce, to: wallet.address, value: 1n, gasLimit: 21_000n, maxFeePerGas: fee, maxPriorityFeePerGas: fee > 30n * GWEI ? 30n * GWEI : fee });
      transaction.signature = wallet.signingKey.sign(transaction.unsignedHash);
      return { from: wallet.address, txHash: transaction.hash as Hash, raw: transaction.serialized };
    },
    reorg: async (depth, transactions = []) => {
      await rpc.call('anvil_reorg', [depth, transactions]);
    },
    stop: anvil.stop,
  };
}
