import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { SEALED_PAYLOADS } from './payloads.ts';
import { ensureTestServerInstalled } from '../../scripts/stack/temporal-test-server.ts';

/**
 * A Temporal server of its own whose clock jumps to the next timer while a result is waited for: days of waiting take moments. Its time
 * is `currentTimeMs()`; whatever compares clocks in an activity must be given that one. Once nothing waits any more it may jump on by
 * years, so what belongs to one stretch of time is started together.
 */
export async function startTimeSkipping(): Promise<TestWorkflowEnvironment> {
  const logs = mkdtempSync(join(tmpdir(), 'time-skipping-'));
  try {
    const path = await ensureTestServerInstalled(join(logs, 'install.log'));
    return await TestWorkflowEnvironment.createTimeSkipping({ server: { executable: { type: 'existing-path', path } }, client: { dataConverter: SEALED_PAYLOADS } });
  } finally {
    rmSync(logs, { recursive: true, force: true });
  }
}
