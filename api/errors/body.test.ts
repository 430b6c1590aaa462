import { describe, expect, it } from 'vitest';
import { EngineError, ERROR_CODES } from '../../domain/errors.ts';
import { errorAnswer } from './body.ts';

const answer = (thrown: unknown) => errorAnswer(thrown, 'en', 'order-00012345');
const framework = (statusCode: number, code: string) => Object.assign(new Error('internal text'), { statusCode, code });

describe('errorAnswer', () => {
  it('keeps the code of an engine error and shows no other property of it', () => {
    for (const code of ERROR_CODES) {
      const { statusCode, body } = answer(new EngineError(code, { wallet: 'hot-1' }, { cause: new Error('secret') }));
      expect(body.error.code).toBe(code);
      expect(statusCode).toBeGreaterThanOrEqual(400);
      expect(JSON.stringify(body)).not.toMatch(/secret|hot-1/);
    }
  });

  it.each([
    [framework(413, 'FST_ERR_CTP_BODY_TOO_LARGE'), 413, 'PAYLOAD_TOO_LARGE'],
    [framework(415, 'FST_ERR_CTP_INVALID_MEDIA_TYPE'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [framework(400, 'FST_ERR_CTP_EMPTY_JSON_BODY'), 400, 'VALIDATION_FAILED'],
    [framework(414, 'FST_ERR_MAX_PARAM_LENGTH'), 400, 'VALIDATION_FAILED'],
    [framework(404, 'FST_ERR_NOT_FOUND'), 404, 'NOT_FOUND'],
    [framework(503, 'FST_ERR_CLOSED'), 503, 'SERVICE_UNAVAILABLE'],
    [framework(500, 'X'), 500, 'INTERNAL'],
    [new TypeError('x is not a function'), 500, 'INTERNAL'],
    ['a string', 500, 'INTERNAL'],
    [undefined, 500, 'INTERNAL'],
    [new Error('Failed query: select 1\nparams: ', { cause: Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }) }), 503, 'SERVICE_UNAVAILABLE'],
    [new Error('Failed query', { cause: Object.assign(new Error('syntax'), { code: 'ER_PARSE_ERROR', errno: 1064 }) }), 500, 'INTERNAL'],
  ])('makes %s %i %s', (thrown, statusCode, code) => {
    const result = answer(thrown);
    expect(result.statusCode).toBe(statusCode);
    expect(result.body).toMatchObject({ error: { code, message: expect.any(String), retryable: statusCode >= 500 }, correlationId: 'order-00012345' });
    expect(JSON.stringify(result.body)).not.toMatch(/internal text|Failed query|not a function|\.ts/);
  });

  it('names each wrong field once', () => {
    const validation = [
      { keyword: 'required', instancePath: '', params: { requiredProperties: ['amount', 'network'] } },
      { keyword: 'type', instancePath: '/currency', params: {} },
      { keyword: 'enum', instancePath: '/currency', params: {} },
      { keyword: 'boolean', instancePath: '/memo', params: {} },
      { keyword: 'additionalProperties', instancePath: '', params: { additionalProperties: ['memo'] } },
    ];
    expect(answer(Object.assign(new Error('x'), { validation, validationContext: 'body', statusCode: 400 })).body.details).toEqual([
      { field: 'amount', reason: 'required' },
      { field: 'network', reason: 'required' },
      { field: 'currency', reason: 'type' },
      { field: 'memo', reason: 'additionalProperties' },
    ]);
  });
});
