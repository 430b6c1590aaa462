import { describe, expect, it } from 'vitest';
import { EngineError } from '../../domain/errors.ts';
import { nameShown } from './name-shown.ts';
import { whyRefused } from './why-refused.ts';

const SECRET = 'a secret at the wrong place';

describe('whyRefused', () => {
  it('says the reason and our own cause of an error of the catalogue, and none of its other parameters', () => {
    const cause = new Error('signature does not fit');
    const why = whyRefused(new EngineError('UNAUTHENTICATED', { reason: 'credentials', requestId: SECRET }, { cause }));
    expect(why).toEqual({ reasons: ['credentials'], error: cause });
    expect(whyRefused(new EngineError('NOT_FOUND', { requestId: SECRET }))).toEqual({});
  });

  it('says of a validation what was wrong, not where or with what', () => {
    const error = Object.assign(new Error(`body/${SECRET} must be string`), {
      validation: [{ keyword: 'additionalProperties', instancePath: '', params: { additionalProperties: [SECRET] } }, { keyword: 'type', instancePath: `/${SECRET}/1`, params: {} }, { keyword: 'type', instancePath: '/2', params: {} }],
    });
    expect(whyRefused(error)).toEqual({ reasons: ['additionalProperties', 'type'] });
  });

  it("says of a parser's error only its kind", () => {
    const error = Object.assign(new SyntaxError(`Unexpected token in ${SECRET}`), { statusCode: 400 });
    expect(whyRefused(error)).toEqual({ reasons: ['malformed-json'] });
  });
});

describe('nameShown', () => {
  it.each(['DOGE', 'polygon-amo', 'x'])('shows %s', (name) => expect(nameShown('currency', name)).toEqual({ currency: name }));
  it.each([SECRET, 'A'.repeat(17), '', 'US$', 'a/b'])('keeps %s to itself', (name) => expect(nameShown('currency', name)).toEqual({}));
});
