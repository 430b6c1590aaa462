import type { Database } from '../db/client.ts';
import { raiseAlert } from '../db/repositories/operations/alerts.ts';
import { noteEscalation } from '../db/repositories/operations/dead-letters.ts';
import { appendEvent } from '../db/repositories/withdrawals/events.ts';
import { transact } from '../db/transact.ts';
import { moneyActivity, type ActivityLog } from './failure.ts';

export interface EscalateInput {
  requestId: string;
  /** the how-manyth reminder it is, from 1 */
  escalation: number;
}

/** Reminds people of a dead letter that nobody has answered. Called twice for one reminder, or once it waits no longer: nothing happens. */
export function makeEscalate(ports: { db: Database; log: ActivityLog }) {
  return moneyActivity('escalate', ports.log, async ({ requestId, escalation }: EscalateInput): Promise<void> => {
    const letter = await transact(ports.db, async (tx) => {
      const noted = await noteEscalation(tx, requestId, escalation);
      if (!noted) return null;
      const detail = { code: noted.code, class: noted.class, escalation, parkedAt: noted.parkedAt.toISOString() };
      await raiseAlert(tx, { kind: 'DEAD_LETTER_ESCALATED', chainId: noted.chainId, subject: requestId, detail });
      await appendEvent(tx, { requestId, type: 'dead letter escalated', detail });
      return noted;
    });
    if (letter) ports.log.error({ requestId, code: letter.code, class: letter.class, escalation, parkedAt: letter.parkedAt }, 'a dead letter still waits for a person');
  });
}
