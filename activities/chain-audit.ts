import type { Database } from '../db/client.ts';
import { raiseAlert } from '../db/repositories/operations/alerts.ts';
import { chainAudit, readAuditHash, readAuditHead } from '../db/repositories/audit/audit-chain.ts';
import type { AuditHead } from '../domain/audit.ts';
import type { Settings } from '../domain/settings.ts';
import { failureToTell, startHeartbeats, type ActivityLog } from './failure.ts';

export interface ChainAuditPorts {
  db: Database;
  settings: Settings;
  log: ActivityLog;
}

/** Where the chain ends, as Temporal keeps it. */
export interface AuditAnchor extends AuditHead {
  /** rows linked by this run */
  linked: number;
  /** the anchor before, where the chain no longer holds it */
  contradicts: AuditHead | null;
}

const ROWS_AT_ONCE = 500;
/** More waits for the next run: a heap of rows must not make one run endless. */
const BATCHES_MAX = 40;

/**
 * Links what was committed to the audit log since, and says where the chain ends: that goes into Temporal's history, out of
 * reach of whoever can write to the database. Holds the chain against the anchor before first; where they differ, or a row that
 * waited is gone, a person is called, and the chain goes on: what happens from then on must be kept too.
 *
 * Called twice, or by two workers: each row is linked once. Dies in the middle: the next run goes on.
 */
export function makeChainAudit(ports: ChainAuditPorts) {
  const { db, settings, log } = ports;

  return async ({ last }: { last: AuditHead | null }): Promise<AuditAnchor> => {
    const stopHeartbeats = startHeartbeats();
    try {
      const contradicts = last !== null && (await readAuditHash(db, last.position)) !== last.hash ? { position: last.position, hash: last.hash } : null;
      let linked = 0;
      const missing = new Set<number>();
      for (let batch = 0; batch < BATCHES_MAX; batch += 1) {
        const result = await chainAudit(db, ROWS_AT_ONCE);
        linked += result.linked;
        for (const id of result.missing) missing.add(id);
        if (result.linked < ROWS_AT_ONCE) break;
      }
      const head = await readAuditHead(db);
      if (linked > 0) log.info({ position: head.position, hash: head.hash, linked }, 'the audit log was chained');
      if (contradicts || missing.size > 0) await callSomebody(contradicts, [...missing]);
      return { ...head, linked, contradicts };
    } catch (error) {
      throw failureToTell(log, error, 'the audit log could not be chained: the next run tries again');
    } finally {
      stopHeartbeats();
    }
  };

  async function callSomebody(contradicts: AuditHead | null, missing: readonly number[]): Promise<void> {
    const detail = { anchoredPosition: contradicts?.position ?? null, anchoredHash: contradicts?.hash ?? null, missingRow: missing[0] ?? null };
    log.error(detail, 'the audit log is not what was anchored: npm run audit:verify says where');
    await raiseAlert(db, { kind: 'AUDIT_BROKEN', chainId: settings.chain.chainId, subject: 'audit_log', detail });
  }
}
