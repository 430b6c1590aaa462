import type { Client } from '@temporalio/client';
import type { Redis } from 'ioredis';
import type { JWK } from 'jose';
import type { Database } from '../db/client.ts';
import type { CrashPoint } from '../db/crash-point.ts';
import type { Logger } from '../db/observability/logger.ts';
import type { Settings } from '../domain/settings.ts';
import type { Books } from './books.ts';

/** What the API is given. It opens and closes none of it. */
export interface ApiDependencies {
  database: Database;
  redis: Redis;
  /** may be unreachable: accepting needs only the database */
  temporal: Client;
  /** says whether withdrawals may be accepted at all */
  books: Books;
  settings: Settings;
  /** 32 bytes, shared with the signing service only */
  sealKey: Uint8Array;
  /** 32 bytes, shared with the withdrawal worker only: seals webhook secrets */
  webhookKey: Uint8Array;
  /** Ed25519 private key for access tokens */
  signingJwk: JWK;
  /** keys whose access tokens are still accepted; none unless given */
  previousJwks?: readonly JWK[];
  logger: Logger;
  crashPoint: CrashPoint;
}
