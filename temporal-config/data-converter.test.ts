import { randomBytes } from 'node:crypto';
import { loadDataConverter } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { describe, expect, it } from 'vitest';
import { dataConverterFrom, plainPayloadsWarning } from './data-converter.ts';

const KEYS = { TEMPORAL_PAYLOAD_KEYS: `k:${randomBytes(32).toString('base64')}` };

describe('how a process writes to Temporal', () => {
  it('is sealed, its error texts included, and nothing is said of it', () => {
    const converter = dataConverterFrom(KEYS);
    expect(converter.payloadCodecs).toHaveLength(1);
    expect(plainPayloadsWarning(converter)).toBeNull();
    const { failureConverter, payloadConverter } = loadDataConverter(converter);
    const failure = failureConverter.errorToFailure(new Error('marked', { cause: new Error('marked as well') }), payloadConverter);
    expect([failure.message, failure.stackTrace, failure.cause?.message]).toEqual(['Encoded failure', '', 'Encoded failure']);
    expect(failureConverter.failureToError(failure, payloadConverter)).toMatchObject({ message: 'marked', cause: { message: 'marked as well' } });
  });

  it('is plain only where somebody said so, and then the process says it too', () => {
    const converter = dataConverterFrom({ TEMPORAL_PAYLOAD_KEYS: 'plain' });
    expect(converter.payloadCodecs).toEqual([]);
    expect(plainPayloadsWarning(converter)).toContain('can read every payload');
    expect(() => dataConverterFrom({})).toThrow(/^TEMPORAL_PAYLOAD_KEYS is not set/);
  });
});
