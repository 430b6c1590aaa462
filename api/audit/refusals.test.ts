import { describe, expect, it } from 'vitest';
import type { NewAuditRecord } from '../../db/repositories/audit/audit-log.ts';
import { createRefusals } from './refusals.ts';

const refusal = (change: Partial<NewAuditRecord> = {}): NewAuditRecord => ({
  at: new Date(0), callId: 'c', phase: 'REFUSED', actorKind: 'anonymous', actorId: null, actorName: null, via: null, ip: '203.0.113.7', userAgent: null, action: 'session.open', targetKind: null, targetId: null, status: 401,
  errorCode: 'UNAUTHENTICATED', stateBefore: null, stateAfter: null, correlationId: 'order-0001', times: 1, ...change,
});

function start(options: { kindsMax?: number } = {}) {
  const rows: NewAuditRecord[] = [];
  const failures: unknown[] = [];
  let fails: Error | null = null;
  const refusals = createRefusals({
    write: async (record) => {
      if (fails) throw fails;
      rows.push(record);
    },
    onFailure: (error) => void failures.push(error),
    ...options,
  });
  return { refusals, rows, failures, failWith: (error: Error) => void (fails = error) };
}

describe('refused calls', () => {
  it('are written the first time at once, and counted into one row afterwards', async () => {
    const { refusals, rows } = start();
    for (let call = 0; call < 50; call += 1) refusals.count(refusal());
    expect(rows).toHaveLength(1);
    await refusals.flush();
    expect(rows.map(({ times }) => times)).toEqual([1, 49]);
    await refusals.flush();
    expect(rows).toHaveLength(2);
    refusals.count(refusal());
    await refusals.close();
    expect(rows.map(({ times }) => times)).toEqual([1, 49, 1]);
  });

  it('are told apart by actor, action and code, and strangers by address', async () => {
    const { refusals, rows } = start();
    for (const change of [{}, { ip: '203.0.113.8' }, { action: 'session.refresh' }, { errorCode: 'RATE_LIMITED' }, { actorName: 'f'.repeat(64) }] as const) refusals.count(refusal(change));
    const known = { actorKind: 'account', actorId: 3, actorName: 'a@b', via: 'session' } as const;
    refusals.count(refusal(known));
    refusals.count(refusal({ ...known, ip: '203.0.113.9' }));
    expect(rows).toHaveLength(6);
    await refusals.close();
    expect(rows.slice(6)).toMatchObject([{ ...known, times: 1 }]);
  });

  it('fill no table however many addresses they come from, and none is lost from the count', async () => {
    const { refusals, rows } = start({ kindsMax: 20 });
    for (let call = 0; call < 5_000; call += 1) refusals.count(refusal({ ip: `2001:db8::${call.toString(16)}` }));
    await refusals.close();
    expect(rows).toHaveLength(21);
    expect(rows.reduce((sum, { times }) => sum + times, 0)).toBe(5_000);
    expect(rows.at(-1)).toMatchObject({ ip: null, times: 4_980 });
  });

  it('that cannot be written say so, and hold nobody up', async () => {
    const { refusals, failures, failWith } = start();
    failWith(new Error('away'));
    refusals.count(refusal());
    await refusals.close();
    expect(failures).toEqual([new Error('away')]);
  });
});
