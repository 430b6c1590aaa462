import { describeUnsealed, findUnsealedRows } from '../db/repositories/payments/unsealed-rows.ts';
import type { Ports } from './ports.ts';

/**
 * Says at once, not only at the first payment, that rules stand in the database which no seal bears out: after an upgrade, or because
 * somebody wrote there. Stops nothing by itself: each signature holds its own rows against their seals.
 * @returns how many
 */
export async function checkSealsAtStart({ db, settings, log }: Pick<Ports, 'db' | 'settings' | 'log'>, sealKey: Uint8Array): Promise<number> {
  const lines = describeUnsealed(await findUnsealedRows(db, sealKey, settings.chain.network));
  if (lines.length > 0) log.error({ rows: lines.length, first: lines[0]?.slice(0, 200) }, 'rules are not sealed, and nothing is signed by them: look at them with "npm run seals -- show"');
  return lines.length;
}
