import { array, assert, constantFrom, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertPayable, parseAddress, sameAddress, ZERO_ADDRESS } from './address.ts';
import { EngineError } from './errors.ts';

/** The examples of https://eips.ethereum.org/EIPS/eip-55 */
const EIP_55_VECTORS = [
  '0x52908400098527886E0F7030069857D2E4169EE7',
  '0x8617E340B3D01FA5F11F306F4090FD50E238070D',
  '0xde709f2102306220921060314715629080e2fb77',
  '0x27b1fdb04752bbc536007a920d24acb045561c26',
  '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
  '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
  '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb',
];
const MIXED = EIP_55_VECTORS.filter((vector) => vector.slice(2) !== vector.slice(2).toUpperCase() && vector !== vector.toLowerCase());

function refusal(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'INVALID_ADDRESS') throw error;
    return error.parameters['reason'];
  }
}

const reasonOf = (text: string) => refusal(() => void parseAddress(text));
const swapCase = (letter: string) => (letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase());

describe('parseAddress', () => {
  it.each(EIP_55_VECTORS)('takes the checksummed %s as it is', (vector) => {
    expect(parseAddress(vector)).toBe(vector);
  });

  it.each(EIP_55_VECTORS)('spells %s from lower case', (vector) => {
    expect(parseAddress(vector.toLowerCase())).toBe(vector);
  });

  it.each(MIXED)('refuses %s in upper case: it claims a checksum it does not hold', (vector) => {
    expect(reasonOf(`0x${vector.slice(2).toUpperCase()}`)).toBe('checksum');
  });

  it.each(['0x52908400098527886E0F7030069857D2E4169EE7', '0x8617E340B3D01FA5F11F306F4090FD50E238070D'])('takes %s, whose checksum is all upper case', (vector) => {
    expect(parseAddress(vector)).toBe(vector);
  });

  it.each(EIP_55_VECTORS)('refuses %s with the case of any one letter changed', (vector) => {
    const letters = Array.from(vector).flatMap((digit, index) => (index > 1 && /[a-f]/i.test(digit) ? [index] : []));
    for (const index of letters) {
      const wrong = vector.slice(0, index) + swapCase(vector.charAt(index)) + vector.slice(index + 1);
      // The one letter of an otherwise lower-case address may have been its only capital.
      const expected = wrong.slice(2) === wrong.slice(2).toLowerCase() ? undefined : 'checksum';
      expect({ wrong, reason: reasonOf(wrong) }).toEqual({ wrong, reason: expected });
    }
  });

  it.each([
    '',
    '0x',
    `0x${'a'.repeat(39)}`,
    `0x${'a'.repeat(41)}`,
    'a'.repeat(40),
    `0X${'a'.repeat(40)}`,
    ` 0x${'a'.repeat(40)}`,
    `0x${'a'.repeat(40)}\n`,
    `0x${'g'.repeat(40)}`,
    `0x${'\u0430'.repeat(40)}`,
    'vitalik.eth',
    `polygon:0x${'a'.repeat(40)}`,
  ])('refuses %j as not an address', (text) => {
    expect(reasonOf(text)).toBe('format');
  });

  it('reads every address the same, however it is spelled', () => {
    const address = array(constantFrom(...'0123456789abcdef'.split('')), { minLength: 40, maxLength: 40 }).map((digits) => `0x${digits.join('')}`);
    assert(
      property(address, (lower) => {
        const spelled = parseAddress(lower);
        expect(spelled.toLowerCase()).toBe(lower);
        expect(parseAddress(spelled)).toBe(spelled);
        expect(sameAddress(spelled, lower)).toBe(true);
      }),
    );
  });
});

describe('assertPayable', () => {
  const token = '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB';
  const wallets = ['0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed', '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359'];
  const payable = (to: string, tokenAddress: string | null = token) => refusal(() => assertPayable(parseAddress(to.toLowerCase()), { tokenAddress, ownWallets: wallets }));

  it.each<[string, string | undefined]>([
    [ZERO_ADDRESS, 'zero-address'],
    [token, 'token-address'],
    ...wallets.map((wallet): [string, string] => [wallet, 'own-wallet']),
    ['0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb', undefined],
  ])('%s: %s', (to, reason) => {
    expect(payable(to)).toBe(reason);
  });

  it('knows our wallets and the token in another spelling', () => {
    const context = { tokenAddress: token.toLowerCase(), ownWallets: wallets.map((wallet) => wallet.toLowerCase()) };
    expect(refusal(() => assertPayable(parseAddress(token), context))).toBe('token-address');
    for (const wallet of wallets) expect(refusal(() => assertPayable(parseAddress(wallet), context))).toBe('own-wallet');
  });

  it('asks nothing of a token when the native coin is paid', () => {
    expect(payable(token, null)).toBeUndefined();
    expect(payable(ZERO_ADDRESS, null)).toBe('zero-address');
  });
});
