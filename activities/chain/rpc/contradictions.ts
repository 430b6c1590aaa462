/** Endpoints of one chain that cannot both be right. */
export interface Contradiction {
  /** the same for the same thing seen again: method and address or hash, or `final block` */
  subject: string;
  method: string;
  /** the endpoints by number and host */
  endpoints: string[];
  reason: string;
}

/** Contradictions remembered, to tell when they are over. */
const OPEN_MAX = 1_000;

/** Tells of each contradiction once while it lasts, and when it is over. */
export class Contradictions {
  readonly #open = new Set<string>();
  readonly #onContradiction: (contradiction: Contradiction) => void;
  readonly #onSettled: (subject: string) => void;

  constructor(listeners: { onContradiction?: ((contradiction: Contradiction) => void) | undefined; onSettled?: ((subject: string) => void) | undefined }) {
    this.#onContradiction = listeners.onContradiction ?? (() => undefined);
    this.#onSettled = listeners.onSettled ?? (() => undefined);
  }

  /** Tells of it. With `untilSettled` only if it is not open already. */
  tell(contradiction: Contradiction, untilSettled: boolean): void {
    if (untilSettled) {
      if (this.#open.has(contradiction.subject)) return;
      const [oldest] = this.#open;
      if (this.#open.size >= OPEN_MAX && oldest !== undefined) this.#open.delete(oldest);
      this.#open.add(contradiction.subject);
    }
    this.#onContradiction(contradiction);
  }

  settle(subject: string): void {
    if (this.#open.delete(subject)) this.#onSettled(subject);
  }
}

export const FINAL_BLOCK = 'final block';

/** What a read is about: a later read of the same thing settles what an earlier one left open. */
export function subjectOf(method: string, [first]: readonly unknown[]): string {
  const target = typeof first === 'object' && first !== null && 'to' in first ? first.to : first;
  return typeof target === 'string' && /^0x(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(target) ? `${method} ${target.toLowerCase()}` : method;
}
