/** What one endpoint showed at a check. */
export interface Observation {
  reachable: boolean;
  /** false when it serves another chain */
  rightChain: boolean;
  head: number | null;
  /** null when it could not say now */
  finalized: number | null;
  /** the highest block it ever called final */
  finalizedBefore: number | null;
  /** hash of its block at the common final height; null when it does not show one */
  finalHash: string | null;
  /** caught at an earlier check, and not seen to agree with another since */
  suspicion: Suspicion | null;
}

/** `forked`: most others have another final block; `disputed`: they differ, and nobody can say who is right. */
export type Suspicion = 'forked' | 'disputed';

export type Condition =
  | 'up'
  | 'wrong-chain'
  | 'unreachable'
  | Suspicion
  /** too far behind the best head */
  | 'lagging'
  /** it cannot name a final block and others can */
  | 'no-finality'
  /** it took back blocks it had called final, and others did not */
  | 'finality-stepped-back';

export interface Judgement {
  condition: Condition;
  suspicion: Suspicion | null;
}

/** The number that two have reached: the second highest, so that no single endpoint moves it up. The only one where there is one. */
export function reachedByTwo(numbers: readonly number[]): number | null {
  const [best, second] = numbers.toSorted((left, right) => right - left);
  return second ?? best ?? null;
}

const answers = ({ reachable, rightChain, head }: Observation) => reachable && rightChain && head !== null;

/** The height at which final blocks are compared: two endpoints call it final, where two can say. Null when none can. */
export function commonFinalHeight(observations: readonly Observation[]): number | null {
  return reachedByTwo(observations.filter((seen) => answers(seen) && seen.suspicion !== 'forked').flatMap(({ finalized }) => finalized ?? []));
}

/**
 * Judges endpoints against each other. Pure. Everything is relative: what befalls all of them alike (finality stalls, a
 * chain stands still) is the chain's doing and leaves nobody out.
 *
 * With three or more the best head is one that two have reached, so that one endpoint's invented head cannot make all
 * honest ones lag. A suspicion is kept until the endpoint is seen to agree with another: else a liar would be the only
 * one left, and trusted, as soon as the honest ones are away.
 */
export function judge(observations: readonly Observation[], lagBlocksMax: number): Judgement[] {
  const suspicions = compareFinalBlocks(observations);
  const clean = observations.filter((seen, index) => answers(seen) && suspicions[index] === null);
  const heads = clean.flatMap(({ head }) => head ?? []);
  const bestHead = heads.length > 2 ? reachedByTwo(heads) : Math.max(...heads, 0);
  const lags = ({ head }: Observation) => (head ?? 0) < (bestHead ?? 0) - lagBlocksMax;
  // Nodes behind one load balancer differ by a few blocks from answer to answer.
  const steppedBack = ({ finalized, finalizedBefore }: Observation) => finalized !== null && finalizedBefore !== null && finalized < finalizedBefore - lagBlocksMax;
  const finalityIsKnown = clean.some((seen) => !lags(seen) && seen.finalized !== null && !steppedBack(seen));

  return observations.map((seen, index) => {
    const suspicion = suspicions[index] ?? null;
    return { suspicion, condition: conditionOf(seen, suspicion) };
  });

  function conditionOf(seen: Observation, suspicion: Suspicion | null): Condition {
    if (!seen.rightChain) return 'wrong-chain';
    if (!answers(seen)) return 'unreachable';
    if (suspicion) return suspicion;
    if (lags(seen)) return 'lagging';
    if (finalityIsKnown && seen.finalized === null) return 'no-finality';
    if (finalityIsKnown && steppedBack(seen)) return 'finality-stepped-back';
    return 'up';
  }
}

/**
 * Who is on another fork. A strict majority of those not yet caught decides; without one all that differ are disputed.
 * One already caught has no vote, and is cleared by showing the winner's block.
 */
function compareFinalBlocks(observations: readonly Observation[]): (Suspicion | null)[] {
  const shown = observations.map((seen) => (answers(seen) ? seen.finalHash : null));
  const votes = new Map<string, number>();
  for (const [index, hash] of shown.entries()) if (hash !== null && observations[index]?.suspicion !== 'forked') votes.set(hash, (votes.get(hash) ?? 0) + 1);
  const voters = [...votes.values()].reduce((sum, count) => sum + count, 0);
  const winner = [...votes].find(([, count]) => count * 2 > voters)?.[0];
  return observations.map(({ suspicion }, index) => {
    const hash = shown[index];
    if (hash === null || hash === undefined) return suspicion;
    if (winner === undefined) return suspicion === 'forked' ? suspicion : votes.size > 0 ? 'disputed' : suspicion;
    if (hash !== winner) return 'forked';
    // One who stands alone with its block has been confirmed by nobody.
    const agreeing = shown.filter((other) => other === winner).length;
    return agreeing > 1 ? null : suspicion;
  });
}
