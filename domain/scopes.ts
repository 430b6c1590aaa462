/** What an API key may be allowed to do, each by itself. Nothing that operators do can be done by a key. */
export const SCOPES = ['withdrawals:read', 'withdrawals:create', 'withdrawals:cancel', 'webhooks:manage'] as const;
export type Scope = (typeof SCOPES)[number];

/** What a key gets that asked for nothing: it sees, and moves no money. */
export const DEFAULT_SCOPES: readonly Scope[] = ['withdrawals:read'];
