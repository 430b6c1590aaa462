import { sleep } from '@temporalio/workflow';
import { withdrawal as today, type WithdrawalInput } from '../../workflows/withdrawal.ts';

/** Broken on purpose: one more pause before the first step, as somebody might add who does not think of running withdrawals. */
export async function withdrawal(request: WithdrawalInput): Promise<string> {
  await sleep(1_000);
  return today(request);
}
