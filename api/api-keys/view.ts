import type { ApiKeyRow } from '../../db/repositories/accounts/api-keys.ts';
import type { ApiKeyView } from '../schemas/api-key.ts';

const isoOrNull = (time: Date | null): string | null => time?.toISOString() ?? null;

/** A key as its owner sees it; never its secret. */
export function apiKeyView(row: ApiKeyRow): ApiKeyView {
  return {
    id: row.id,
    keyId: row.keyId,
    name: row.name,
    scopes: row.scopes,
    ipAllowlist: row.ipAllowlist,
    createdAt: row.createdAt.toISOString(),
    expiresAt: isoOrNull(row.expiresAt),
    revokedAt: isoOrNull(row.revokedAt),
    lastUsedAt: isoOrNull(row.lastUsedAt),
    lastUsedFrom: row.lastUsedFrom,
  };
}
