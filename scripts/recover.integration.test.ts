import { describe, expect, it } from 'vitest';
import { runScript } from '../tests/harness/run-script.ts';

const NOWHERE = '127.0.0.1:1';

describe('npm run recover, where Temporal is away', () => {
  it('ends, and says so in a line', async () => {
    const { code, out, err } = await runScript('recover.ts', ['--dry-run'], {
      DATABASE_URL: `mysql://nobody:nothing@${NOWHERE}/nothing`, REDIS_URL: `redis://${NOWHERE}`, POLYGON_RPC_URL: `http://${NOWHERE}`, TEMPORAL_ADDRESS: NOWHERE, TEMPORAL_PAYLOAD_KEYS: 'plain',
    });
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toMatch(/^recover: Temporal at 127\.0\.0\.1:1 cannot be reached[^\n]*\nIf a recovery had begun[^\n]*\n$/);
  });
});
