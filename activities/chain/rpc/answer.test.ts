import { describe, expect, it } from 'vitest';
import { EndpointError, isOverloaded, parseAnswer, RpcAnswerError, speaksOfNode } from './answer.ts';

const answer = (message: string, code = -32_000, httpStatus = 200) => new RpcAnswerError('eth_call', { code, message }, httpStatus);

describe('reading an answer', () => {
  it('takes a result, null too, and an error with its code and data', () => {
    expect(parseAnswer('{"jsonrpc":"2.0","id":1,"result":null}', 200)).toEqual({ result: null });
    expect(parseAnswer('{"result":"0x1"}', 200)).toEqual({ result: '0x1' });
    expect(parseAnswer('{"error":{"code":3,"message":"execution reverted","data":"0x08"}}', 200)).toEqual({ error: { code: 3, message: 'execution reverted', data: '0x08' } });
    expect(parseAnswer('{"error":"unauthorized"}', 401)).toEqual({ error: { code: 0, message: '"unauthorized"', data: undefined } });
  });

  it.each(['', '<html>', 'null', '{}', '{"ok":true}', '[]', '7'])('takes %j for no answer', (text) => {
    expect(() => parseAnswer(text, 502)).toThrow(EndpointError);
    expect(() => parseAnswer(text, 502)).toThrow(/HTTP 502/);
  });
});

describe('an error answer', () => {
  it.each([
    answer('header not found'),
    answer('missing trie node 0a1b (path 0c) state 0x12 is not available'),
    answer('unknown block'),
    answer('BlockOutOfRangeError: block height is 5 but requested was 10'),
    answer('rate limit exceeded', -32_005),
    answer('daily request count exceeded, request rate limited', -32_005),
    answer('Too many requests'),
    answer('anything', -32_000, 429),
    answer('anything', -32_000, 503),
  ])('speaks of the node: $message', (error) => {
    expect(speaksOfNode(error)).toBe(true);
  });

  it.each([
    answer('execution reverted: header not found', 3),
    answer('VM Exception while processing transaction: reverted with reason string \'too many requests\''),
    answer('nonce too low: next nonce 7, tx nonce 6'),
    answer('the method eth_unheardOf does not exist/is not available', -32_601),
    answer('insufficient funds for gas * price + value'),
    answer('exceeds block gas limit'),
  ])('speaks of the request: $message', (error) => {
    expect(speaksOfNode(error)).toBe(false);
  });

  it('that a block is missing is no overload: another block may be there', () => {
    expect(isOverloaded(answer('header not found'))).toBe(false);
    expect(isOverloaded(answer('missing trie node'))).toBe(false);
    expect(isOverloaded(answer('rate limit exceeded', -32_005))).toBe(true);
  });
});
