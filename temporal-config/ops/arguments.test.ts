import { describe, expect, it } from 'vitest';
import { countOf, oneWithdrawal, readArguments } from './arguments.ts';
import { OpsError } from './ops-error.ts';

const ID = `tx-1234567890123-${'a'.repeat(20)}`;

describe('what is typed', () => {
  it('names one withdrawal, by its requestId or workflow id', () => {
    const named = { requestId: ID, workflowId: `withdrawal-${ID}` };
    expect(oneWithdrawal([ID])).toEqual(named);
    expect(oneWithdrawal([`withdrawal-${ID}`])).toEqual(named);
  });

  it.each([[[]], [['']], [['tx-1']], [[ID, ID]], [[`${ID}'; touch owned; '`]], [[`${ID}' OR '1'='1`]], [[`${ID}\n`]], [['-rf']], [[`withdrawal-withdrawal-${ID}`]], [[`something--${ID}`]], [[ID.toUpperCase()]]])('is refused as no withdrawal: %j', (given) => {
    expect(() => oneWithdrawal(given)).toThrow(OpsError);
  });

  it.each(['0', '-1', '1e3', '51', ' 5', '5 ', '', '0x5'])('is refused as no count: %j', (text) => {
    expect(() => countOf('limit', text, 50)).toThrow(/--limit takes a whole number from 1 to 50/);
  });

  it('is a count at its bounds', () => {
    expect([countOf('limit', '1', 50), countOf('limit', '50', 50)]).toEqual([1, 50]);
  });

  it('is refused in one line where it is no option', () => {
    expect(() => readArguments(['--nope'], {})).toThrow(/^Unknown option '--nope'.*\(see --help\)$/);
    expect(() => readArguments(['--status'], { status: { type: 'string' } })).toThrow(OpsError);
  });
});
