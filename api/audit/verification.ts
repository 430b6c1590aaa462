import type { Client } from '@temporalio/client';
import type { FastifyBaseLogger } from 'fastify';
import type { Database } from '../../db/client.ts';
import { readWaiting } from '../../db/repositories/audit/audit-chain.ts';
import { anchorsOf, verifyAuditTail } from '../../db/verify-audit.ts';
import { newestAnchor, type KeptAnchor } from '../../temporal-config/audit-anchors.ts';
import { bounded } from '../ready/bounded.ts';
import type { AuditVerificationView } from '../schemas/audit.ts';

const LINKS = 1_000;
const ANCHOR_TIMEOUT_MS = 3_000;

/** Whether the newest links hold and are what the newest anchor says. Without Temporal nothing is certain, and it says so. */
export async function verificationOf({ database, temporal }: { database: Database; temporal: Client }, logger: FastifyBaseLogger): Promise<AuditVerificationView> {
  const anchor = await bounded(ANCHOR_TIMEOUT_MS, newestAnchor(temporal)).catch((error: unknown): null => {
    logger.warn({ error }, 'the anchors of the audit log could not be read');
    return null;
  });
  const { head, checked, broken } = await verifyAuditTail(database, anchorsOf(anchor ? [anchor] : []), LINKS);
  const { waiting, oldestAt } = await readWaiting(database);
  return { verdict: broken ? 'BROKEN' : anchor ? 'AGREES' : 'UNKNOWN', head, linksChecked: checked, anchor: anchorView(anchor), broken, waiting, waitingSince: oldestAt?.toISOString() ?? null };
}

function anchorView(anchor: KeptAnchor | null): AuditVerificationView['anchor'] {
  return anchor && { position: anchor.position, hash: anchor.hash, at: anchor.at.toISOString() };
}
