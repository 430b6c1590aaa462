/**
 * Amounts by the instant they fall on, to be summed over any span of time. Sums are exact. Adding in about the order of time is cheap;
 * an instant may hold several amounts.
 */
export class RollingSum {
  readonly #times: number[] = [];
  readonly #amounts: bigint[] = [];
  /** `#sums[i]`: everything before the i-th; recomputed from where something was put in between */
  readonly #sums: bigint[] = [0n];
  #summed = 0;

  add(atMs: number, amount: bigint): void {
    const index = this.#after(atMs);
    this.#times.splice(index, 0, atMs);
    this.#amounts.splice(index, 0, amount);
    this.#summed = Math.min(this.#summed, index);
  }

  /** Takes back one amount that was added. Throws where it was not. */
  remove(atMs: number, amount: bigint): void {
    for (let index = this.#after(atMs) - 1; index >= 0 && this.#times[index] === atMs; index -= 1) {
      if (this.#amounts[index] !== amount) continue;
      this.#times.splice(index, 1);
      this.#amounts.splice(index, 1);
      this.#summed = Math.min(this.#summed, index);
      return;
    }
    throw new Error('nothing to take back');
  }

  /** What falls later than `fromMs` and not later than `untilMs`. */
  within(fromMs: number, untilMs: number): { total: bigint; count: number } {
    this.#sum();
    const [from, until] = [this.#after(fromMs), this.#after(untilMs)];
    if (until <= from) return { total: 0n, count: 0 };
    return { total: (this.#sums[until] ?? 0n) - (this.#sums[from] ?? 0n), count: until - from };
  }

  /** Forgets what falls at `untilMs` or earlier. */
  forget(untilMs: number): void {
    const count = this.#after(untilMs);
    if (count === 0) return;
    this.#times.splice(0, count);
    this.#amounts.splice(0, count);
    this.#summed = 0;
  }

  #sum(): void {
    for (let index = this.#summed; index < this.#amounts.length; index += 1) this.#sums[index + 1] = (this.#sums[index] ?? 0n) + (this.#amounts[index] ?? 0n);
    this.#summed = this.#amounts.length;
  }

  /** The index behind the last one at `atMs` or earlier. */
  #after(atMs: number): number {
    let [low, high] = [0, this.#times.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#times[middle] ?? 0) <= atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
