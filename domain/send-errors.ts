/**
 * What a node's answer to `eth_sendRawTransaction` means. The texts are those of geth (core/txpool/errors.go,
 * core/error.go), bor (a geth fork), erigon, nethermind, besu, reth and anvil; all of them speak in sentences, none in codes.
 */
export type SendVerdict =
  /** the node has the transaction (now, or since before) */
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
  /** the pool is full or the node limits us */
  | { kind: 'busy' }
  /** timeout, connection loss, unreadable answer: the transaction may be out */
  | { kind: 'unknown' }
  /** an answer this table does not know */
  | { kind: 'rejected' };

export type SendVerdictKind = SendVerdict['kind'];

const PATTERNS: readonly (readonly [RegExp, SendVerdictKind])[] = [
  // A revert reason can quote any of the texts below, so it is matched first.
  [/\brevert|VM execution error/i, 'reverts'],
  [/already known|already imported|ALREADY_EXISTS|\bknown transaction|transaction already (in pool|exists)|existing tx with same hash|AlreadyKnown/i, 'accepted'],
  [/replacement transaction underpriced|ReplacementNotAllowed|replacement underpriced|transaction underpriced: .*replac|could not replace existing|insufficient gas price to replace/i, 'underpriced-replacement'],
  [/nonce too low|NONCE_TOO_LOW|OldNonce|nonce is too low|nonce has already been used/i, 'nonce-consumed'],
  [/nonce too high|NONCE_TOO_HIGH|NonceGap|nonce gap|gapped-nonce|Too ?Far ?In ?Future|nonce is too (high|distant)|future transaction tries to replace pending/i, 'nonce-gap'],
  [/insufficient funds|InsufficientFunds|UPFRONT_COST_EXCEEDS_BALANCE|upfront cost exceeds|insufficient balance for transfer/i, 'insufficient-funds'],
  [/underpriced|FeeTooLow|fee too low|gas price (too low|below)|GAS_PRICE_(TOO_LOW|BELOW)|max fee per gas less than block base fee|tip cap|FEE_TOO_LOW/i, 'underpriced'],
  [/txpool is full|pool is full|account limit exceeded|too many (requests|transactions)|rate limit|limit exceeded|(request|transaction) limit reached|header not found|temporarily|try again|busy|overloaded|service unavailable|bad gateway/i, 'busy'],
  [/timeout|timed out|deadline exceeded|context cancel|ECONNRE|ECONNABORTED|EPIPE|ENOTFOUND|EAI_AGAIN|socket hang up|connection|network|fetch failed|missing response|bad (result|response)|could not (detect|coalesce)/i, 'unknown'],
];

/** Classifies a node's error text. Pure and total: a text nobody listed is `rejected`, to be retried and then shown to a person. */
export function classifySendError(text: string): SendVerdict {
  const hit = PATTERNS.find(([pattern]) => pattern.test(text));
  return { kind: hit?.[1] ?? 'rejected' };
}
