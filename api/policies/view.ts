import type { Queryable } from '../../db/client.ts';
import type { PolicyRow } from '../../db/repositories/policy/policies.ts';
import { listEmails } from '../../db/repositories/accounts/users.ts';
import type { PolicyVersionView } from '../schemas/policy.ts';

/** Versions as an admin sees them: people by their e-mail addresses. */
export async function policyViews(database: Queryable, rows: readonly PolicyRow[]): Promise<PolicyVersionView[]> {
  const emails = await listEmails(database, rows.flatMap(({ proposedBy, decidedBy }) => [proposedBy, decidedBy]));
  const person = (id: number | null) => (id === null ? null : (emails.get(id) ?? `account ${id}`));
  return rows.map((row) => ({
    version: row.version,
    status: row.status,
    rules: row.document.rules,
    reason: row.reason,
    baseVersion: row.baseVersion,
    proposedBy: person(row.proposedBy),
    proposedAt: row.proposedAt.toISOString(),
    decidedBy: person(row.decidedBy),
    decidedAt: row.decidedAt?.toISOString() ?? null,
    decisionReason: row.decisionReason,
  }));
}

export async function policyView(database: Queryable, row: PolicyRow): Promise<PolicyVersionView> {
  const [view] = await policyViews(database, [row]);
  if (!view) throw new Error('one row has one view');
  return view;
}
