import { describe, expect, it } from 'vitest';
import { OpsError } from './ops-error.ts';
import { visibilityQuery } from './visibility-query.ts';

const WALLET = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';

describe('the list filter', () => {
  it('asks for withdrawals, and for each thing that is given', () => {
    expect(visibilityQuery({})).toBe(`WorkflowType = 'withdrawal'`);
    expect(visibilityQuery({ status: 'dead_lettered', currency: 'usdc', wallet: WALLET.toLowerCase(), deadLetterClass: 'unknown', open: true })).toBe(
      `WorkflowType = 'withdrawal' AND ExecutionStatus = 'Running' AND WithdrawalStatus = 'DEAD_LETTERED' AND Currency = 'USDC' AND Wallet = '${WALLET}' AND DeadLetterClass = 'unknown'`,
    );
  });

  it.each([
    [{ status: 'BROADCASTED' }, /GET \/admin\/transactions/],
    [{ status: `X' OR '1'='1` }, /--status/],
    [{ currency: `USDC' OR 1=1` }, /--currency/],
    [{ wallet: `${WALLET}'` }, /--wallet/],
    [{ wallet: WALLET.replace('C8', 'c8') }, /--wallet/],
    [{ deadLetterClass: 'UNKNOWN' }, /--class/],
  ])('refuses %j', (filter, says) => {
    expect(() => visibilityQuery(filter)).toThrow(OpsError);
    expect(() => visibilityQuery(filter)).toThrow(says);
  });
});
