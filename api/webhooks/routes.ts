import type { Database } from '../../db/client.ts';
import type { Settings } from '../../domain/settings.ts';

/** What the routes under `/webhooks` are given. */
export interface WebhookRoutes {
  database: Database;
  settings: Settings;
  /** 32 bytes: seals secrets */
  webhookKey: Uint8Array;
}
