import type { Client } from '@temporalio/client';
import type { AuditHead } from '../domain/audit.ts';
import { AUDIT_CHAIN_WORKFLOW } from './audit-schedule.ts';

/** Where the audit log's chain ended once, as Temporal keeps it for as long as its namespace keeps closed workflows. */
export interface KeptAnchor extends AuditHead {
  at: Date;
}

/** Every anchor that is kept, newest first. */
export async function* listAnchors(client: Client): AsyncGenerator<KeptAnchor> {
  for await (const { memo, closeTime, startTime } of client.workflow.list({ query: `WorkflowType = '${AUDIT_CHAIN_WORKFLOW}' AND ExecutionStatus = 'Completed'`, pageSize: 1_000 })) {
    const anchor = memo?.['anchor'];
    if (isHead(anchor)) yield { position: anchor.position, hash: anchor.hash, at: closeTime ?? startTime };
  }
}

function isHead(value: unknown): value is AuditHead {
  return typeof value === 'object' && value !== null && 'position' in value && typeof value.position === 'number' && 'hash' in value && typeof value.hash === 'string';
}

/** The newest anchor; null while there is none. */
export async function newestAnchor(client: Client): Promise<KeptAnchor | null> {
  for await (const anchor of listAnchors(client)) return anchor;
  return null;
}
