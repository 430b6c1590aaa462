/**
 * `usage`: nothing was tried; `absent`: Temporal keeps no such workflow, or none that still runs; `refused`: it must not or cannot be done;
 * `unavailable`: the same command may succeed later.
 */
export type OpsErrorKind = 'usage' | 'absent' | 'refused' | 'unavailable';

/** One line for the person at the keyboard. */
export class OpsError extends Error {
  override readonly name = 'OpsError';
  readonly kind: OpsErrorKind;

  constructor(kind: OpsErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
