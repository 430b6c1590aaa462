import { describe, expect, it } from 'vitest';
import { listed, type Execution } from './executions.ts';

const ID = `tx-1234567890123-${'a'.repeat(20)}`;
const attribute = (value: unknown) => ({ data: Buffer.from(JSON.stringify(value)).toString('base64') });
const execution = (workflowId: string, indexedFields: Record<string, { data?: string }> = {}): Execution => ({
  execution: { workflowId, runId: 'run' },
  status: 'WORKFLOW_EXECUTION_STATUS_RUNNING',
  startTime: '2026-11-24T05:01:06Z',
  searchAttributes: { indexedFields },
});

describe('an execution as the CLI prints it', () => {
  it('is listed by its request, with what it can be searched by', () => {
    const fields = { WithdrawalStatus: attribute('AWAITING_APPROVAL'), Currency: attribute('USDC'), Wallet: attribute(null), DeadLetterClass: {} };
    expect(listed(execution(`withdrawal-${ID}`, fields))).toEqual({ requestId: ID, status: 'AWAITING_APPROVAL', currency: 'USDC', wallet: '', deadLetterClass: '', run: 'RUNNING', startedAt: '2026-11-24T05:01:06Z' });
  });

  it('is listed under its own name where somebody started it by hand', () => {
    expect(listed(execution('started-by-hand'))).toMatchObject({ requestId: 'started-by-hand' });
  });
});
