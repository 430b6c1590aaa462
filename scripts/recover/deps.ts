import type { Client } from '@temporalio/client';
import type { Redis } from 'ioredis';
import type { Rpc } from '../../activities/chain/rpc.ts';
import type { Database } from '../../db/client.ts';
import type { Settings } from '../../domain/settings.ts';
import type { TemporalPlace } from '../../temporal-config/connection.ts';

/** The moments between the steps of a recovery, in their order. */
export const RECOVERY_STEPS = ['halted', 'workflow-stopped', 'request-restored', 'nonces-restored', 'redis-restored', 'workflow-started'] as const;
export type RecoveryStep = (typeof RECOVERY_STEPS)[number];

/** What a recovery works with. */
export interface RecoverDeps {
  db: Database;
  redis: Redis;
  temporal: TemporalPlace;
  client: Client;
  rpc: Rpc;
  settings: Settings;
  /** one line for the person */
  print: (line: string) => void;
  log: { error(fields: object, message: string): void };
  /** called after each durable step; a test that throws here is a recovery that was killed */
  onStep: (step: RecoveryStep) => void;
  /** how long to wait for the present head to become final */
  finalityWaitMs: number;
}

export interface RecoverOptions {
  dryRun: boolean;
  /** asked before anything is changed */
  confirm: () => Promise<boolean>;
  /** requestIds and transaction hashes a person has dealt with by hand */
  leave: ReadonlySet<string>;
}
