import type { ListedAddressRow, ListingChange } from '../../db/repositories/listed-addresses.ts';
import { EngineError } from '../../domain/errors.ts';

/** The entry as it is now. Throws `NOT_FOUND`, or `INVALID_STATE` with why nothing changed. */
export function rowOf(change: ListingChange): ListedAddressRow {
  switch (change.kind) {
    case 'done':
      return change.row;
    case 'not-found':
      throw new EngineError('NOT_FOUND');
    case 'refused':
      throw new EngineError('INVALID_STATE', { reason: change.reason, status: change.status });
    default:
      return change satisfies never;
  }
}
