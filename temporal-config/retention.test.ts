import { describe, expect, it } from 'vitest';
import { retentionDaysFrom } from './retention.ts';

describe('TEMPORAL_RETENTION_DAYS', () => {
  it('is a week unless it is given', () => {
    expect([retentionDaysFrom({}), retentionDaysFrom({ TEMPORAL_RETENTION_DAYS: '' }), retentionDaysFrom({ TEMPORAL_RETENTION_DAYS: '30' })]).toEqual([7, 7, 30]);
  });

  it.each(['0', '366', '1.5', '-1', '7d'])('is never %s', (text) => {
    expect(() => retentionDaysFrom({ TEMPORAL_RETENTION_DAYS: text })).toThrow('TEMPORAL_RETENTION_DAYS must be a whole number of days from 1 to 365.');
  });
});
