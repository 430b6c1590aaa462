/**
 * The highest block the chain has called final. It only rises: an error or a step back of the chain's answer means "not
 * yet". Where the chain undid final blocks, what stands above the fork is not final any more, and what took its place
 * becomes final only when the chain's answer passes everything it had called final before.
 */
export interface FinalPoint {
  /** −1 before the first answer */
  number(): number;
  /** takes the chain's answer */
  advance(answered: number): void;
  /** blocks above `ancestor` left the chain; true when final ones were among them */
  undoAbove(ancestor: number): boolean;
}

export function createFinalPoint(): FinalPoint {
  let number = -1;
  let highest = -1;
  return {
    number: () => number,
    advance(answered) {
      if (answered <= highest) return;
      number = answered;
      highest = answered;
    },
    undoAbove(ancestor) {
      if (ancestor >= number) return false;
      number = ancestor;
      return true;
    },
  };
}
