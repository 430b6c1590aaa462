import { anything, array, assert, constantFrom, dictionary, integer, jsonValue, property, string, uniqueArray } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EndpointError, RpcAnswerError } from './answer.ts';
import { canonical, findAgreement, type Outcome } from './quorum.ts';

const same = (result: unknown) => result;
const said = (...results: unknown[]): Outcome<unknown>[] => results.map((result, endpoint) => (result instanceof RpcAnswerError || result instanceof EndpointError ? { endpoint, error: result } : { endpoint, result }));
const silence = new EndpointError('no answer');
const refusal = new RpcAnswerError('eth_call', { code: 3, message: 'execution reverted' });
const otherRefusal = new RpcAnswerError('eth_call', { code: -32_000, message: 'VM execution error.' });
const lacksBlock = new RpcAnswerError('eth_call', { code: -32_000, message: 'header not found' });

describe('canonical JSON', () => {
  it('is one text for objects whose keys stand in another order, and for hex in another case', () => {
    expect(canonical({ b: ['0xAB', { d: 1, c: null }], a: undefined })).toBe(canonical({ b: ['0xab', { c: null, d: 1 }] }));
    expect(canonical('0xABG')).not.toBe(canonical('0xabg'));
    expect(canonical(1n)).not.toBe(canonical(1));
    expect(canonical(undefined)).toBe('null');
  });

  it('does not depend on the order of keys, and tells different values apart', () => {
    assert(
      property(dictionary(string(), integer()), (fields) => {
        expect(canonical(Object.fromEntries(Object.entries(fields).toReversed()))).toBe(canonical(fields));
      }),
    );
    assert(
      property(jsonValue(), (value) => {
        expect(canonical(JSON.parse(JSON.stringify(value)))).toBe(canonical(value));
      }),
    );
    assert(
      property(uniqueArray(integer(), { minLength: 2, maxLength: 2 }), ([left, right]) => {
        expect(canonical([left])).not.toBe(canonical([right]));
      }),
    );
  });
});

describe('the agreement of two', () => {
  it.each<[string, Outcome<unknown>[], object]>([
    ['two alike agree', said('0x1', '0x1'), { kind: 'agreed', result: '0x1', liars: [] }],
    ['two that lack it agree on that', said(null, null), { kind: 'agreed', result: null, liars: [] }],
    ['two different answers contradict each other', said('0x1', '0x2'), { kind: 'contradiction', endpoints: [0, 1] }],
    ['a third decides, and the odd one lied', said('0x1', '0x2', '0x2'), { kind: 'agreed', result: '0x2', liars: [0] }],
    ['one that does not have it yet is no liar', said(null, '0x2', '0x2'), { kind: 'agreed', result: '0x2', liars: [] }],
    ['one that has it already is no liar', said('0x2', null, null), { kind: 'agreed', result: null, liars: [] }],
    ['three different answers', said('0x1', '0x2', '0x3'), { kind: 'contradiction', endpoints: [0, 1, 2] }],
    ['an answer against none is not yet', said('0x1', null), { kind: 'open', error: null }],
    ['one answer and one silence are not enough', said('0x1', silence), { kind: 'open', error: silence }],
    ['a refusal against an answer is not enough', said(refusal, '0x1'), { kind: 'open', error: refusal }],
    ['two refusals, in words of their own', said(refusal, otherRefusal), { kind: 'refused', error: refusal }],
    ['lacking a block is no refusal', said(lacksBlock, lacksBlock), { kind: 'open', error: lacksBlock }],
    ['nothing at all', said(silence, silence), { kind: 'open', error: silence }],
  ])('%s', (_name, outcomes, expected) => {
    expect(findAgreement(outcomes, same, 3)).toEqual(expected);
  });

  it('takes an answer that cannot be read for none', () => {
    const count = (result: unknown) => (result as { logs: unknown[] }).logs.length;
    expect(findAgreement(said({ logs: [] }, 'garbage'), count, 2)).toMatchObject({ kind: 'open', error: { name: 'EndpointError', message: expect.stringContaining('cannot be read') } });
    expect(findAgreement(said('garbage', { logs: [] }, { logs: [] }), count, 3)).toMatchObject({ kind: 'agreed', liars: [] });
    expect(findAgreement(said('x', null), Number, 2)).toMatchObject({ kind: 'open' });
  });

  it('takes one for enough only where one is there', () => {
    expect(findAgreement(said('0x1'), same, 2)).toEqual({ kind: 'open', error: null });
    expect(findAgreement(said('0x1'), same, 1)).toEqual({ kind: 'agreed', result: '0x1', liars: [] });
    expect(findAgreement(said(refusal), same, 1)).toEqual({ kind: 'refused', error: refusal });
    expect(findAgreement(said(silence), same, 1)).toEqual({ kind: 'open', error: silence });
  });

  it('compares what is picked and gives the whole answer', () => {
    const outcomes = said({ status: '0x1', blobGas: '0x0' }, { status: '0x1', timeboosted: false });
    expect(findAgreement(outcomes, same, 2)).toMatchObject({ kind: 'contradiction' });
    expect(findAgreement(outcomes, (result) => (result as { status: string }).status, 2)).toEqual({ kind: 'agreed', result: { status: '0x1', blobGas: '0x0' }, liars: [] });
  });

  it('never gives an answer that fewer than two gave, whatever they say', () => {
    const results = array(constantFrom<unknown>('0x1', '0x2', null, silence, refusal, lacksBlock), { maxLength: 5 });
    assert(
      property(results, (answers) => {
        const agreement = findAgreement(said(...answers), same, 5);
        if (agreement.kind === 'agreed') expect(answers.filter((answer) => answer === agreement.result).length).toBeGreaterThanOrEqual(2);
        if (agreement.kind === 'refused') expect(answers.filter((answer) => answer === refusal).length).toBeGreaterThanOrEqual(2);
      }),
    );
    assert(
      property(anything(), (value) => {
        expect(typeof canonical(value)).toBe('string');
      }),
    );
  });
});
