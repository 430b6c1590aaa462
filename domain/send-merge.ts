import type { SendVerdictKind } from './send-errors.ts';

/**
 * From what leaves most open to what leaves least. One node that has the transaction makes it sent, whatever others say.
 * "Already known" counts once the hash is found. After that come signs that the nonce is taken, then "it may be out", then what heals by waiting or a higher fee. A
 * refusal stands last: it holds only if every node that was asked refuses.
 */
const SEVERITY: readonly SendVerdictKind[] = ['accepted', 'already-known', 'nonce-consumed', 'underpriced-replacement', 'unknown', 'busy', 'nonce-gap', 'underpriced', 'insufficient-funds', 'reverts', 'rejected'];
const FATAL: ReadonlySet<SendVerdictKind> = new Set(['insufficient-funds', 'reverts', 'rejected']);

export interface MergedSend<V> {
  /** the verdict that counts; null when nobody was asked */
  verdict: V | null;
  /** one node took the transaction and another calls it impossible: one of them is wrong, and a person should know */
  contradiction: boolean;
}

/** What several nodes' answers to the same bytes mean together. Pure; the order of the answers does not matter. */
export function mergeSendVerdicts<V extends { kind: SendVerdictKind }>(verdicts: readonly V[]): MergedSend<V> {
  const rank = ({ kind }: V) => SEVERITY.indexOf(kind);
  const [verdict = null] = verdicts.toSorted((left, right) => rank(left) - rank(right));
  return { verdict, contradiction: verdict?.kind === 'accepted' && verdicts.some(({ kind }) => FATAL.has(kind)) };
}
