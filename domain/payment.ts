import { sameAddress } from './address.ts';

/** keccak256("Transfer(address,address,uint256)"), ERC-20. https://eips.ethereum.org/EIPS/eip-20 */
export const TRANSFER_TOPIC = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';

/** The data of a Transfer: the amount and nothing else. A log of another shape is some other event, for a person to read. */
const ONE_WORD = /^0x[0-9a-fA-F]{64}$/;
const ADDRESS_TOPIC = /^0x0{24}([0-9a-fA-F]{40})$/;

export interface ReceiptLog {
  address: string;
  topics: readonly string[];
  data: string;
  logIndex: number;
}

/** A mined transaction as the payment rule sees it. */
export interface MinedTransaction {
  succeeded: boolean;
  to: string | null;
  /** wei */
  value: bigint;
  logs: readonly ReceiptLog[];
}

export interface ExpectedPayment {
  walletAddress: string;
  toAddress: string;
  tokenAddress: string | null;
  /** base units */
  amount: bigint;
}

/** `NATIVE_LOG_INDEX` stands for a native payment, which has no log. */
export const NATIVE_LOG_INDEX = -1;

export type PaymentVerdict =
  | { kind: 'paid'; logIndex: number }
  /** succeeded, but the recipient did not receive exactly what was asked: a person decides */
  | { kind: 'mismatch'; received: bigint }
  /** nothing moved */
  | { kind: 'unpaid' };

/**
 * What a mined paying attempt really did. The receipt's status alone decides nothing for a token: only the `Transfer`
 * log of that token, from our wallet to the recipient, for exactly the amount, counts as paid.
 */
export function judgePayment(mined: MinedTransaction, expected: ExpectedPayment): PaymentVerdict {
  if (!mined.succeeded) return { kind: 'unpaid' };
  if (expected.tokenAddress === null) {
    const paid = mined.to !== null && sameAddress(mined.to, expected.toAddress) && mined.value === expected.amount;
    return paid ? { kind: 'paid', logIndex: NATIVE_LOG_INDEX } : { kind: 'mismatch', received: 0n };
  }
  const token = expected.tokenAddress;
  const transfers = mined.logs
    .filter((log) => sameAddress(log.address, token) && log.topics[0] === TRANSFER_TOPIC && log.topics.length === 3 && ONE_WORD.test(log.data))
    .filter((log) => sameAddress(topicAddress(log.topics[1]), expected.walletAddress) && sameAddress(topicAddress(log.topics[2]), expected.toAddress));
  const exact = transfers.find((log) => BigInt(log.data) === expected.amount);
  if (exact && transfers.length === 1) return { kind: 'paid', logIndex: exact.logIndex };
  const tokenSpoke = mined.logs.some((log) => sameAddress(log.address, token));
  if (!tokenSpoke) return { kind: 'unpaid' };
  return { kind: 'mismatch', received: transfers.reduce((sum, log) => sum + BigInt(log.data), 0n) };
}

/**
 * What a transaction gave the recipient, whoever sent it: for a token the sum of its `Transfer` logs to the recipient, for
 * the native coin its value. `logIndex` is the first such log, null when there is none.
 */
export function receivedBy(mined: MinedTransaction, expected: Pick<ExpectedPayment, 'toAddress' | 'tokenAddress'>): { amount: bigint; logIndex: number | null } {
  const nothing = { amount: 0n, logIndex: null };
  if (!mined.succeeded) return nothing;
  if (expected.tokenAddress === null) {
    const pays = mined.to !== null && sameAddress(mined.to, expected.toAddress) && mined.value > 0n;
    return pays ? { amount: mined.value, logIndex: NATIVE_LOG_INDEX } : nothing;
  }
  const token = expected.tokenAddress;
  const transfers = mined.logs
    .filter((log) => sameAddress(log.address, token) && log.topics[0] === TRANSFER_TOPIC && log.topics.length === 3 && ONE_WORD.test(log.data))
    .filter((log) => sameAddress(topicAddress(log.topics[2]), expected.toAddress));
  return { amount: transfers.reduce((sum, log) => sum + BigInt(log.data), 0n), logIndex: transfers[0]?.logIndex ?? null };
}

/** True for a log that says a token, whichever, left the account. Its shape beyond that is not asked: it is to be looked at. */
export function isTransferFrom(log: ReceiptLog, account: string): boolean {
  return log.topics[0] === TRANSFER_TOPIC && sameAddress(topicAddress(log.topics[1]), account);
}

/** An address as a topic: twelve zero bytes before it. Anything else is no address, and equals none. */
function topicAddress(topic: string | undefined): string {
  const digits = ADDRESS_TOPIC.exec(topic ?? '')?.[1];
  return digits === undefined ? '' : `0x${digits}`;
}
