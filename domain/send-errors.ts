/**
 * What a node's answer to `eth_sendRawTransaction` means. All nodes speak in sentences, none in codes one could rely on; the
 * sentences of geth, bor, erigon, nethermind, besu, reth and anvil, each with its source, are in `send-errors.testkit.ts`.
 */
export type SendVerdict =
  /** the node has taken the transaction: it answered with its hash */
  | { kind: 'accepted' }
  /** this nonce was mined already, by us or by a stranger: only receipts can tell */
  | { kind: 'nonce-consumed' }
  /** another transaction with this nonce is in the pool at a price we did not beat */
  | { kind: 'underpriced-replacement' }
  /** below the node's minimum price */
  | { kind: 'underpriced' }
  /** a lower nonce is missing */
  | { kind: 'nonce-gap' }
  | { kind: 'insufficient-funds' }
  /** the transfer itself would revert */
  | { kind: 'reverts' }
  /** the pool is full, the node limits us or is not ready */
  | { kind: 'busy' }
  /** timeout, connection loss, unreadable answer: the transaction may be out */
  | { kind: 'unknown' }
  /** an answer this table does not know */
  | { kind: 'rejected' }
  /** the node says that it had the transaction before: true only if our hash can be found */
  | { kind: 'already-known' };

export type SendVerdictKind = SendVerdict['kind'];

const PATTERNS: readonly (readonly [RegExp, SendVerdictKind])[] = [
  // A revert reason can quote any of the texts below, so it is matched first.
  [/\brevert|VM execution error/i, 'reverts'],
  [/already known|already imported|ALREADY_EXISTS|\bknown transaction|transaction already (in pool|exists)|existing txn? with same hash|AlreadyKnown/i, 'already-known'],
  [/replacement transaction underpriced|ReplacementNotAllowed|OwnNonceAlreadyUsed|replacement underpriced|transaction underpriced: .*replac|could not replace existing|replaced by transaction with higher tip|insufficient gas price to replace/i, 'underpriced-replacement'],
  [/(?<!authority )nonce too low|NONCE_TOO_LOW|OldNonce|nonce is too low|nonce has already been used/i, 'nonce-consumed'],
  [/nonce too high|NONCE_TOO_HIGH|NonceGap|nonce gap|gapped-nonce|Too ?Far ?In ?Future|nonce is too (high|distant)|future transaction tries to replace pending|invalid transaction with a lower nonce/i, 'nonce-gap'],
  [/insufficient funds|InsufficientFunds|UPFRONT_COST_EXCEEDS_BALANCE|upfront cost exceeds|insufficient balance for transfer|overdraws from account/i, 'insufficient-funds'],
  [/underpriced|FeeTooLow|fee too low|gas price (too low|below)|GAS_PRICE_(TOO_LOW|BELOW)|max fee per gas less than block base fee|tip cap|FEE_TOO_LOW|priority fee below minimum|fee ?cap \d+ below chain minimum/i, 'underpriced'],
  [/txpool is full|pool is full|account limit exceeded|too many (requests|transactions)|rate limit|limit exceeded|(request|transaction) limit reached|header not found|temporarily|try again|busy|overloaded|service unavailable|bad gateway|syncing|sync is still in progress|pool (is )?(not enabled|disabled)|spammer|pool size constraints/i, 'busy'],
  [/timeout|timed out|deadline exceeded|context cancel|ECONNRE|ECONNABORTED|EPIPE|ENOTFOUND|EAI_AGAIN|socket hang up|connection|network|fetch failed|missing response|bad (result|response)|could not (detect|coalesce)|(wasn't|was not) confirmed within/i, 'unknown'],
];

/**
 * Classifies a node's error text. Pure and total: a text nobody listed is `rejected`, to be retried and then shown to a
 * person. No text is ever `accepted`: only a hash is.
 */
export function classifySendError(text: string): SendVerdict {
  const hit = PATTERNS.find(([pattern]) => pattern.test(text));
  return { kind: hit?.[1] ?? 'rejected' };
}
