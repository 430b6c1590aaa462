/** What MySQL knows of a wallet's nonces while its row is locked. */
export interface NonceView {
  /** the request's live reservation, if it has one */
  own: number | null;
  /** lowest freed nonce, never signed on */
  lowestFreed: number | null;
  /** the first nonce never given out */
  next: number;
}

/**
 * The nonce a request must get: its own if it has one (same request, same nonce), else the lowest freed, else the
 * next. No other answer keeps the sequence free of gaps, so a fast front may only ever propose this one.
 */
export function decideNonce(view: NonceView): { nonce: number; source: 'own' | 'freed' | 'next' } {
  if (view.own !== null) return { nonce: view.own, source: 'own' };
  if (view.lowestFreed !== null) return { nonce: view.lowestFreed, source: 'freed' };
  return { nonce: view.next, source: 'next' };
}
