import { randomBytes } from 'node:crypto';
import { describe, expect, inject, it } from 'vitest';
import { connectTo, type TemporalPlace } from './connection.ts';
import { missingInTemporal } from './namespace.ts';
import { setUpTemporal } from './set-up.ts';

async function retentionSeconds(place: TemporalPlace): Promise<number> {
  const connection = await connectTo(place);
  try {
    const { config } = await connection.workflowService.describeNamespace({ namespace: place.namespace });
    return Number(config?.workflowExecutionRetentionTtl?.seconds);
  } finally {
    await connection.close();
  }
}

describe('the set-up of a Temporal server', () => {
  it('makes a namespace with its retention and search attributes, finds them the next time, and follows a change', async () => {
    const place = { address: inject('infrastructure').temporalAddress, namespace: `set-up-${randomBytes(6).toString('hex')}` };
    expect(await setUpTemporal(place, 3)).toEqual({ retentionDays: 3 });
    expect(await missingInTemporal(place)).toEqual({ namespace: false, searchAttributes: [] });
    expect(await setUpTemporal(place, 3)).toEqual({ retentionDays: 3 });
    expect(await setUpTemporal(place, 30)).toEqual({ retentionDays: 30 });
    // Shortening it would delete what somebody keeps.
    expect(await setUpTemporal(place, 7)).toEqual({ retentionDays: 30 });
    expect(await retentionSeconds(place)).toBe(30 * 86_400);
  });

  it('leaves no doubt when there is no server', async () => {
    await expect(setUpTemporal({ address: '127.0.0.1:1', namespace: 'default' }, 7)).rejects.toThrow('Temporal at 127.0.0.1:1 cannot be reached');
  });
});
