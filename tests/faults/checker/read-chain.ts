/** What the chain did with the hot wallets, read from its blocks alone. Addresses and hashes in lower case; amounts in base units or wei. */
export interface ChainFacts {
  fromBlock: number;
  head: number;
  /** every transaction that a hot wallet signed */
  transactions: { txHash: string; wallet: string; nonce: number; blockNumber: number; succeeded: boolean; gasCostWei: bigint }[];
  /** every movement of value out of a hot wallet or into one that really happened: Transfer logs, and native value of successful transactions */
  transfers: Transfer[];
  wallets: { address: string; latestNonce: number; pendingNonce: number; balances: { tokenAddress: string | null; amount: bigint }[] }[];
}

export interface Transfer {
  txHash: string;
  /** null for the native coin */
  tokenAddress: string | null;
  from: string;
  to: string;
  amount: bigint;
}

/** keccak256 of `Transfer(address,address,uint256)` (ERC-20) */
const TRANSFER_TOPIC = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';
/** the first four bytes of keccak256 of `balanceOf(address)` */
const BALANCE_OF = '0x70a08231';

interface RawTransaction {
  hash: string;
  from: string;
  to: string | null;
  nonce: string;
  value: string;
}

interface RawReceipt {
  transactionHash: string;
  status: string;
  gasUsed: string;
  effectiveGasPrice: string;
  logs: { address: string; topics: string[]; data: string }[];
}

/** One JSON-RPC call, straight to the node. */
export async function callNode<Result>(rpcUrl: string, method: string, params: readonly unknown[]): Promise<Result> {
  const response = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: AbortSignal.timeout(20_000),
  });
  const answer = (await response.json()) as { result?: Result; error?: { message: string } };
  if (answer.error) throw new Error(`${method}: ${answer.error.message}`);
  return answer.result as Result;
}

/** Reads every block after `fromBlock`, and the wallets as they stand at the head. */
export async function readChain(rpcUrl: string, options: { fromBlock: number; wallets: readonly string[]; tokens: readonly string[] }): Promise<ChainFacts> {
  const own = new Set(options.wallets.map((address) => address.toLowerCase()));
  const head = Number(await callNode<string>(rpcUrl, 'eth_blockNumber', []));
  const transactions: ChainFacts['transactions'] = [];
  const transfers: Transfer[] = [];
  for (let number = options.fromBlock + 1; number <= head; number += 1) {
    const at = `0x${number.toString(16)}`;
    const block = await callNode<{ transactions: RawTransaction[] }>(rpcUrl, 'eth_getBlockByNumber', [at, true]);
    if (block.transactions.length === 0) continue;
    const receipts = await callNode<RawReceipt[]>(rpcUrl, 'eth_getBlockReceipts', [at]);
    for (const transaction of block.transactions) {
      const receipt = receipts.find(({ transactionHash }) => transactionHash === transaction.hash);
      if (!receipt) throw new Error(`block ${number} holds ${transaction.hash}, but no receipt of it`);
      const from = transaction.from.toLowerCase();
      const succeeded = Number(receipt.status) === 1;
      if (own.has(from)) transactions.push({ txHash: transaction.hash.toLowerCase(), wallet: from, nonce: Number(transaction.nonce), blockNumber: number, succeeded, gasCostWei: BigInt(receipt.gasUsed) * BigInt(receipt.effectiveGasPrice) });
      transfers.push(...transfersOf(transaction, receipt, succeeded).filter((transfer) => transfer.amount > 0n && (own.has(transfer.from) || own.has(transfer.to))));
    }
  }
  const wallets = await Promise.all(
    [...own].map(async (address) => ({
      address,
      latestNonce: Number(await callNode<string>(rpcUrl, 'eth_getTransactionCount', [address, 'latest'])),
      pendingNonce: Number(await callNode<string>(rpcUrl, 'eth_getTransactionCount', [address, 'pending'])),
      balances: await readBalances(rpcUrl, address, options.tokens, 'latest'),
    })),
  );
  return { fromBlock: options.fromBlock, head, transactions, transfers, wallets };
}

/** Native coin and tokens of one address at one block. */
export async function readBalances(rpcUrl: string, address: string, tokens: readonly string[], block: string): Promise<{ tokenAddress: string | null; amount: bigint }[]> {
  const native = { tokenAddress: null, amount: BigInt(await callNode<string>(rpcUrl, 'eth_getBalance', [address, block])) };
  const data = `${BALANCE_OF}${address.slice(2).toLowerCase().padStart(64, '0')}`;
  const held = await Promise.all(tokens.map(async (token) => ({ tokenAddress: token.toLowerCase(), amount: BigInt(await callNode<string>(rpcUrl, 'eth_call', [{ to: token, data }, block])) })));
  return [native, ...held];
}

function transfersOf(transaction: RawTransaction, receipt: RawReceipt, succeeded: boolean): Transfer[] {
  const txHash = transaction.hash.toLowerCase();
  const logged = receipt.logs
    .filter(({ topics }) => topics[0] === TRANSFER_TOPIC && topics.length === 3)
    .map((log) => ({ txHash, tokenAddress: log.address.toLowerCase(), from: addressOf(log.topics[1]), to: addressOf(log.topics[2]), amount: BigInt(log.data) }));
  if (!succeeded || transaction.to === null) return logged;
  return [{ txHash, tokenAddress: null, from: transaction.from.toLowerCase(), to: transaction.to.toLowerCase(), amount: BigInt(transaction.value) }, ...logged];
}

function addressOf(topic: string | undefined): string {
  return `0x${(topic ?? '').slice(-40).toLowerCase()}`;
}
