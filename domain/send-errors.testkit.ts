import type { SendVerdictKind } from './send-errors.ts';

/** One sentence of one node, where it was read, and what it must be taken for. */
export interface NodeAnswer {
  client: string;
  version: string;
  /** in the client's repository; or how it was measured */
  file: string;
  text: string;
  expected: SendVerdictKind;
}

type Row = readonly [file: string, text: string, expected: SendVerdictKind];

const of = (client: string, version: string, rows: readonly Row[]): NodeAnswer[] => rows.map(([file, text, expected]) => ({ client, version, file, text, expected }));

const POOL = 'core/txpool/errors.go';
const VALIDATION = 'core/txpool/validation.go';
const LEGACY_POOL = 'core/txpool/legacypool/legacypool.go';
const CORE = 'core/error.go';

/** What geth and its fork bor share. Formats are filled in with numbers of ours. */
const GETH_FAMILY: readonly Row[] = [
  [POOL, 'already known', 'already-known'],
  [POOL, 'transaction underpriced', 'underpriced'],
  [POOL, 'replacement transaction underpriced', 'underpriced-replacement'],
  [POOL, 'transaction gas price below minimum', 'underpriced'],
  [POOL, 'account limit exceeded', 'busy'],
  [POOL, 'in-flight transaction limit reached for delegated accounts', 'busy'],
  [POOL, 'invalid sender', 'rejected'],
  [POOL, 'exceeds block gas limit', 'rejected'],
  [POOL, 'negative value', 'rejected'],
  [POOL, 'oversized data', 'rejected'],
  [POOL, 'address already reserved', 'rejected'],
  [VALIDATION, 'nonce too low: next nonce 5, tx nonce 4', 'nonce-consumed'],
  [VALIDATION, 'nonce too high: tx nonce 9, gapped nonce 5', 'nonce-gap'],
  [VALIDATION, 'insufficient funds for gas * price + value: balance 0, tx cost 21000, overshot 21000', 'insufficient-funds'],
  [VALIDATION, 'insufficient funds for gas * price + value: balance 9, queued cost 5, tx bumped 7, overshot 3', 'insufficient-funds'],
  [VALIDATION, 'insufficient funds for gas * price + value: balance 9, queued cost 5, tx cost 7, overshot 3', 'insufficient-funds'],
  [VALIDATION, 'account limit exceeded: pooled 64 txs', 'busy'],
  [VALIDATION, 'intrinsic gas too low: gas 20000, minimum needed 21000', 'rejected'],
  [VALIDATION, 'insufficient gas for floor data gas cost: gas 21000, minimum needed 21720', 'rejected'],
  [VALIDATION, 'oversized data: transaction size 131073, limit 131072', 'rejected'],
  [LEGACY_POOL, 'txpool is full', 'busy'],
  [LEGACY_POOL, 'gapped-nonce tx from delegated accounts', 'nonce-gap'],
  [LEGACY_POOL, 'future transaction tries to replace pending', 'nonce-gap'],
  [LEGACY_POOL, 'authority already reserved', 'rejected'],
  [CORE, 'nonce too low', 'nonce-consumed'],
  [CORE, 'nonce too high', 'nonce-gap'],
  [CORE, 'nonce has max value', 'rejected'],
  [CORE, 'gas limit reached', 'rejected'],
  [CORE, 'insufficient funds for transfer', 'insufficient-funds'],
  [CORE, 'insufficient funds for gas * price + value', 'insufficient-funds'],
  [CORE, 'gas uint64 overflow', 'rejected'],
  [CORE, 'intrinsic gas too low', 'rejected'],
  [CORE, 'insufficient gas for floor data gas cost', 'rejected'],
  [CORE, 'max priority fee per gas higher than max fee per gas', 'rejected'],
  [CORE, 'max fee per gas less than block base fee', 'underpriced'],
  [CORE, 'sender not an eoa', 'rejected'],
  ['internal/ethapi/api.go', 'tx fee (1.10 ether) exceeds the configured cap (1.00 ether)', 'rejected'],
  ['internal/ethapi/api.go', 'only replay-protected (EIP-155) transactions allowed over RPC', 'rejected'],
  ['internal/ethapi/errors.go', 'execution reverted: ERC20: transfer amount exceeds balance', 'reverts'],
];

const GETH: readonly Row[] = [
  [VALIDATION, 'transaction gas price below minimum: gas tip cap 1, minimum needed 1000000', 'underpriced'],
  [VALIDATION, 'transaction gas limit too high (cap: 16777216, tx: 16777217)', 'rejected'],
  ['core/state_transition.go', 'nonce too low: address 0x0000000000000000000000000000000000000001, tx: 4 state: 5', 'nonce-consumed'],
  ['core/state_transition.go', 'nonce too high: address 0x0000000000000000000000000000000000000001, tx: 9 state: 5', 'nonce-gap'],
  ['core/state_transition.go', 'insufficient funds for gas * price + value: address 0x0000000000000000000000000000000000000001 have 1 want 2', 'insufficient-funds'],
  ['core/state_transition.go', 'max fee per gas less than block base fee: address 0x0000000000000000000000000000000000000001, maxFeePerGas: 1, baseFee: 7', 'underpriced'],
  ['core/vm/errors.go', 'execution reverted', 'reverts'],
  ['rpc/errors.go', 'request timed out', 'unknown'],
];

const BOR: readonly Row[] = [
  [VALIDATION, 'transaction gas price below minimum: gas tip cap 15000000000, minimum needed 25000000000', 'underpriced'],
  [CORE, 'insufficient funds to cover witness access costs for transaction', 'insufficient-funds'],
];

const DISCARDS = 'txnprovider/txpool/txpoolcfg/txpoolcfg.go';
/** Erigon puts the import result before the reason: `rpc/jsonrpc/send_transaction.go` over `txnprovider/txpool/txpool_grpc_server.go`. */
const ERIGON: readonly Row[] = [
  [DISCARDS, 'ALREADY_EXISTS: already known', 'already-known'],
  [DISCARDS, 'INTERNAL_ERROR: existing txn with same hash', 'already-known'],
  [DISCARDS, 'FEE_TOO_LOW: underpriced', 'underpriced'],
  [DISCARDS, 'FEE_TOO_LOW: fee too low', 'underpriced'],
  [DISCARDS, 'FEE_TOO_LOW: replacement transaction underpriced', 'underpriced-replacement'],
  [DISCARDS, 'INTERNAL_ERROR: could not replace existing tx', 'underpriced-replacement'],
  [DISCARDS, 'INTERNAL_ERROR: replaced by transaction with higher tip', 'underpriced-replacement'],
  [DISCARDS, 'INTERNAL_ERROR: nonce too low', 'nonce-consumed'],
  [DISCARDS, 'INTERNAL_ERROR: insufficient funds', 'insufficient-funds'],
  [DISCARDS, 'INTERNAL_ERROR: spammer', 'busy'],
  [DISCARDS, 'INTERNAL_ERROR: pending sub-pool is full', 'busy'],
  [DISCARDS, 'INTERNAL_ERROR: baseFee sub-pool is full', 'busy'],
  [DISCARDS, 'INTERNAL_ERROR: queued sub-pool is full', 'busy'],
  [DISCARDS, 'INTERNAL_ERROR: IntrinsicGas', 'rejected'],
  [DISCARDS, 'INTERNAL_ERROR: gas limit is too high', 'rejected'],
  [DISCARDS, 'INVALID: RLPTooLong', 'rejected'],
  [DISCARDS, 'INVALID: invalid sender', 'rejected'],
  [DISCARDS, 'INVALID: oversized data', 'rejected'],
  ['txnprovider/txpool/txpool_grpc_server.go', 'TxPool Disabled', 'busy'],
  ['rpc/jsonrpc/send_transaction.go', 'tx fee (1.10 ether) exceeds the configured cap (1.00 ether)', 'rejected'],
  ['rpc/jsonrpc/send_transaction.go', 'invalid chain id, expected: 137 got: 1', 'rejected'],
];

const NETHERMIND_MESSAGES = 'src/Nethermind/Nethermind.TxPool/TxPoolErrorMessages.cs';
const NETHERMIND: readonly Row[] = [
  [NETHERMIND_MESSAGES, 'already known', 'already-known'],
  [NETHERMIND_MESSAGES, 'transaction underpriced', 'underpriced'],
  [NETHERMIND_MESSAGES, 'replacement transaction underpriced', 'underpriced-replacement'],
  [NETHERMIND_MESSAGES, 'gas limit reached', 'rejected'],
  [NETHERMIND_MESSAGES, 'nonce too high', 'nonce-gap'],
  [NETHERMIND_MESSAGES, 'nonce too low', 'nonce-consumed'],
  [NETHERMIND_MESSAGES, 'nonce too far in future', 'nonce-gap'],
  [NETHERMIND_MESSAGES, 'delegation nonce gap', 'nonce-gap'],
  [NETHERMIND_MESSAGES, 'node is syncing', 'busy'],
  [NETHERMIND_MESSAGES, 'sender not an eoa', 'rejected'],
  [NETHERMIND_MESSAGES, 'failed to recover sender', 'rejected'],
  [NETHERMIND_MESSAGES, 'transaction cost overflow', 'rejected'],
  [NETHERMIND_MESSAGES, 'transaction invalid', 'rejected'],
  [NETHERMIND_MESSAGES, 'transaction too large', 'rejected'],
];

/** Older nethermind answers with the name of the result, and with details after a comma. */
const NETHERMIND_NAMES = 'src/Nethermind/Nethermind.TxPool/AcceptTxResult.cs';
const NETHERMIND_OLD: readonly Row[] = [
  [NETHERMIND_NAMES, 'AlreadyKnown', 'already-known'],
  [NETHERMIND_NAMES, 'FeeTooLow', 'underpriced'],
  [NETHERMIND_NAMES, 'FeeTooLowToCompete', 'underpriced'],
  [NETHERMIND_NAMES, 'InsufficientFunds', 'insufficient-funds'],
  [NETHERMIND_NAMES, 'NonceGap', 'nonce-gap'],
  [NETHERMIND_NAMES, 'OldNonce', 'nonce-consumed'],
  [NETHERMIND_NAMES, 'OwnNonceAlreadyUsed', 'underpriced-replacement'],
  [NETHERMIND_NAMES, 'ReplacementNotAllowed', 'underpriced-replacement'],
  [NETHERMIND_NAMES, 'GasLimitExceeded', 'rejected'],
  [NETHERMIND_NAMES, 'SenderIsContract', 'rejected'],
  [NETHERMIND_NAMES, 'Int256Overflow', 'rejected'],
  [NETHERMIND_NAMES, 'FailedToResolveSender', 'rejected'],
  [NETHERMIND_NAMES, 'Invalid', 'rejected'],
];
const NETHERMIND_FILTERS: readonly Row[] = [
  ['src/Nethermind/Nethermind.TxPool/Filters/LowNonceFilter.cs', 'OldNonce, Current nonce: 5, nonce of rejected tx: 4', 'nonce-consumed'],
  ['src/Nethermind/Nethermind.TxPool/Filters/BalanceTooLowFilter.cs', 'InsufficientFunds, Account balance: 0, cumulative cost: 21000', 'insufficient-funds'],
];

const BESU_ERRORS = 'ethereum/api/src/main/java/org/hyperledger/besu/ethereum/api/jsonrpc/internal/response/RpcErrorType.java';
const BESU: readonly Row[] = [
  [BESU_ERRORS, 'Known transaction', 'already-known'],
  [BESU_ERRORS, 'Replacement transaction underpriced', 'underpriced-replacement'],
  [BESU_ERRORS, 'Nonce too low', 'nonce-consumed'],
  [BESU_ERRORS, 'Nonce too high', 'nonce-gap'],
  [BESU_ERRORS, 'Transaction nonce is too distant from current sender nonce', 'nonce-gap'],
  [BESU_ERRORS, 'An invalid transaction with a lower nonce exists', 'nonce-gap'],
  [BESU_ERRORS, 'Upfront cost exceeds account balance', 'insufficient-funds'],
  [BESU_ERRORS, 'Gas price below configured minimum gas price', 'underpriced'],
  [BESU_ERRORS, 'Gas price below current base fee', 'underpriced'],
  [BESU_ERRORS, 'Execution reverted', 'reverts'],
  [BESU_ERRORS, 'Timeout expired', 'unknown'],
  [BESU_ERRORS, 'Initial sync is still in progress', 'busy'],
  [BESU_ERRORS, 'Transaction pool not enabled. (Either txpool explicitly disabled, or node not yet in sync).', 'busy'],
  [BESU_ERRORS, 'Intrinsic gas exceeds gas limit', 'rejected'],
  [BESU_ERRORS, 'Transaction gas limit exceeds block gas limit', 'rejected'],
  [BESU_ERRORS, 'Transaction fee cap exceeded', 'rejected'],
  [BESU_ERRORS, 'Max priority fee per gas exceeds max fee per gas', 'rejected'],
  [BESU_ERRORS, 'Invalid signature', 'rejected'],
  [BESU_ERRORS, 'Sender account not authorized to send transactions', 'rejected'],
  [BESU_ERRORS, 'Internal error', 'rejected'],
];

const RETH_RPC = 'crates/rpc/rpc-eth-types/src/error/mod.rs';
const RETH_POOL = 'crates/transaction-pool/src/error.rs';
const RETH: readonly Row[] = [
  [RETH_RPC, 'already known', 'already-known'],
  [RETH_RPC, 'transaction underpriced', 'underpriced'],
  [RETH_RPC, 'transaction priority fee below minimum required priority fee 1000000', 'underpriced'],
  [RETH_RPC, 'max fee per gas less than block base fee', 'underpriced'],
  [RETH_RPC, 'replacement transaction underpriced', 'underpriced-replacement'],
  [RETH_RPC, 'nonce too low: next nonce 5, tx nonce 4', 'nonce-consumed'],
  [RETH_RPC, 'nonce too high', 'nonce-gap'],
  [RETH_RPC, 'insufficient funds for gas * price + value: have 0 want 21000', 'insufficient-funds'],
  [RETH_RPC, 'insufficient funds for transfer', 'insufficient-funds'],
  [RETH_RPC, 'txpool is full', 'busy'],
  [RETH_RPC, 'execution reverted: Pausable: paused', 'reverts'],
  [RETH_RPC, 'Transaction 0x9fc76417374aa880d4449a1f7f31ec597f00b1f6f3dd2d66f4c9c6c445836d8b was added to the mempool but wasn\'t confirmed within 30s.', 'unknown'],
  [RETH_RPC, 'tx fee (1100000000000000000 wei) exceeds the configured cap (1000000000000000000 wei)', 'rejected'],
  [RETH_RPC, 'exceeds block gas limit', 'rejected'],
  [RETH_RPC, 'exceeds max transaction gas limit', 'rejected'],
  [RETH_RPC, 'sender is not an EOA', 'rejected'],
  [RETH_POOL, '[0x9fc76417374aa880d4449a1f7f31ec597f00b1f6f3dd2d66f4c9c6c445836d8b]: already imported', 'already-known'],
  [RETH_POOL, '[0x9fc76417374aa880d4449a1f7f31ec597f00b1f6f3dd2d66f4c9c6c445836d8b]: insufficient gas price to replace existing transaction', 'underpriced-replacement'],
  [RETH_POOL, 'transaction feeCap 6 below chain minimum', 'underpriced'],
  [RETH_POOL, 'transaction discarded outright due to pool size constraints', 'busy'],
  [RETH_POOL, 'rejected due to 0x0000000000000000000000000000000000000001 being identified as a spammer', 'busy'],
  [RETH_POOL, 'transaction overdraws from account, balance: 1, cost: 2', 'insufficient-funds'],
  [RETH_POOL, 'gapped-nonce tx from delegated accounts', 'nonce-gap'],
  [RETH_POOL, 'intrinsic gas too low', 'rejected'],
];

const ANVIL_ERRORS = 'crates/anvil/src/eth/error.rs';
const ANVIL: readonly Row[] = [
  [ANVIL_ERRORS, 'transaction already imported', 'already-known'],
  [ANVIL_ERRORS, 'Tx: [0x9fc76417374aa880d4449a1f7f31ec597f00b1f6f3dd2d66f4c9c6c445836d8b] already Imported', 'already-known'],
  [ANVIL_ERRORS, 'nonce too low', 'nonce-consumed'],
  [ANVIL_ERRORS, 'Nonce too high', 'nonce-gap'],
  [ANVIL_ERRORS, 'replacement transaction underpriced', 'underpriced-replacement'],
  [ANVIL_ERRORS, 'Tx: [0x9fc76417374aa880d4449a1f7f31ec597f00b1f6f3dd2d66f4c9c6c445836d8b] insufficient gas price to replace existing transaction', 'underpriced-replacement'],
  [ANVIL_ERRORS, 'max fee per gas less than block base fee', 'underpriced'],
  [ANVIL_ERRORS, 'Insufficient funds for gas * price + value', 'insufficient-funds'],
  [ANVIL_ERRORS, 'insufficient funds for transfer', 'insufficient-funds'],
  [ANVIL_ERRORS, 'execution reverted: revert: paused', 'reverts'],
  [ANVIL_ERRORS, 'Transaction confirmation timeout', 'unknown'],
  [ANVIL_ERRORS, 'intrinsic gas too low', 'rejected'],
  [ANVIL_ERRORS, 'intrinsic gas too high -- CallerGasLimitMoreThanBlock', 'rejected'],
  [ANVIL_ERRORS, 'max priority fee per gas higher than max fee per gas', 'rejected'],
  [ANVIL_ERRORS, 'Failed to decode transaction', 'rejected'],
  [ANVIL_ERRORS, 'Cyclic transaction detected', 'rejected'],
];

/** What no node's source says: providers and the wire in between. Written down from use, without a source to name. */
const WIRE: readonly Row[] = [
  ['in use', 'Too many requests', 'busy'],
  ['in use', 'daily request count exceeded, request rate limited', 'busy'],
  ['in use', '25/second request limit reached', 'busy'],
  ['in use', 'header not found', 'busy'],
  ['in use', '503 Service Unavailable', 'busy'],
  ['in use', '502 Bad Gateway', 'busy'],
  ['in use', '504 Gateway Timeout', 'unknown'],
  ['in use', 'context deadline exceeded', 'unknown'],
  ['in use', 'context canceled', 'unknown'],
  ['in use', 'read ECONNRESET', 'unknown'],
  ['in use', 'socket hang up', 'unknown'],
  ['in use', 'fetch failed', 'unknown'],
];

/** What nodes really answer to `eth_sendRawTransaction`. Each row names the client, its version or commit, and the file it stands in. */
export const NODE_ANSWERS: readonly NodeAnswer[] = [
  ...of('geth', 'v1.17.5 (9621c6ad1093)', [...GETH_FAMILY, ...GETH]),
  ...of('geth', '0dfc43ad9bbd', [[POOL, 'authority nonce too low', 'rejected']]),
  ...of('bor', 'v2.2.11 (ab927186a3fc)', [...GETH_FAMILY, ...BOR]),
  ...of('erigon', '05916db28a59 (reasons), 0958eb380924 (import results), 00769ff3eba0 (their order)', ERIGON),
  ...of('nethermind', '030cbd1bc4ae', NETHERMIND),
  ...of('nethermind', '0c816d5d8da4', [['src/Nethermind/Nethermind.Core/Messages/TxErrorMessages.cs', 'intrinsic gas too low', 'rejected']]),
  ...of('nethermind', 'of 2022, the results still named', NETHERMIND_OLD),
  ...of('nethermind', '010229501538 and 0ccba3a688b0', NETHERMIND_FILTERS),
  ...of('besu', '3fd224e2e49d (after 26.3.0)', BESU),
  ...of('reth', 'v2.5.1 (6dec1b96b625)', RETH),
  ...of('anvil', 'v1.7.1 (4072e48705af)', ANVIL),
  ...of('wire', '-', WIRE),
];
