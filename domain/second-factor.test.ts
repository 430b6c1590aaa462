import { describe, expect, it } from 'vitest';
import { acceptedStep, base32Of, keyUri, readCode, recoveryCodeOf, shownUntil, waitAfterMs } from './second-factor.ts';

/** RFC 6238, appendix B: the shared secret of its SHA-1 vectors. */
const SECRET = base32Of(new TextEncoder().encode('12345678901234567890'));
const at = (seconds: number) => new Date(seconds * 1_000);
const judge = (code: string, seconds: number, lastStep: number | null = null) => acceptedStep({ secret: SECRET, code, now: at(seconds), lastStep });

describe('a one-time password', () => {
  /** Appendix B with eight digits; six are the last six of them (RFC 4226, 5.3: modulo a power of ten). */
  it.each([
    [59, '94287082', 0x1],
    [1_111_111_109, '07081804', 0x23523ec],
    [1_111_111_111, '14050471', 0x23523ed],
    [1_234_567_890, '89005924', 0x273ef07],
    [2_000_000_000, '69279037', 0x3f940aa],
    [20_000_000_000, '65353130', 0x27bc86aa],
  ])('is the one of RFC 6238 at %i s', (seconds, vector, step) => {
    expect(judge(vector.slice(-6), seconds)).toBe(step);
    expect(judge(vector, seconds)).toBeNull();
  });

  it('holds one step before and after its own, and no further', () => {
    const own = 1_111_111_111;
    const accepted = [-60, -30, 0, 30, 60].map((offset) => judge('050471', own + offset));
    expect(accepted).toEqual([null, 0x23523ed, 0x23523ed, 0x23523ed, null]);
  });

  it('holds once: neither it nor one of an earlier step is accepted after', () => {
    const step = judge('050471', 1_111_111_111);
    expect(step).toBe(0x23523ed);
    expect(judge('050471', 1_111_111_111, step)).toBeNull();
    expect(judge('081804', 1_111_111_111)).toBe(0x23523ec);
    expect(judge('081804', 1_111_111_111, step)).toBeNull();
    expect(judge('050471', 1_111_111_111, 0x23523ec)).toBe(0x23523ed);
  });

  it.each(['', '05047', '0504711', '05047a', '٠٥٠٤٧١', '      '])('is never %j', (code) => {
    expect(judge(code, 1_111_111_111)).toBeNull();
  });
});

it('is set up by a key URI that says all of it', () => {
  const uri = new URL(keyUri({ email: 'ops+a@example.com', secret: SECRET }));
  expect(uri.protocol + uri.host).toBe('otpauth:totp');
  expect(decodeURIComponent(uri.pathname)).toBe('/Withdrawal engine:ops+a@example.com');
  expect(Object.fromEntries(uri.searchParams)).toEqual({ issuer: 'Withdrawal engine', secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', algorithm: 'SHA1', digits: '6', period: '30' });
});

describe('a recovery code', () => {
  it('is its 80 bits, and is read however it is typed', () => {
    const code = recoveryCodeOf(Uint8Array.from([0, 1, 2, 3, 4, 250, 251, 252, 253, 254]));
    expect(code).toBe('AAAQ-EAYE-7L57-Z7P6');
    for (const typed of [code, code.toLowerCase(), code.replaceAll('-', ''), ` ${code.replaceAll('-', ' ')} `]) expect(readCode(typed)).toEqual({ kind: 'recovery', code: 'AAAQEAYE7L57Z7P6' });
    expect(() => recoveryCodeOf(new Uint8Array(9))).toThrow('10 bytes');
  });

  it('is told from a one-time password, and both from anything else', () => {
    expect(readCode('123 456')).toEqual({ kind: 'one-time', code: '123456' });
    for (const text of ['', '12345', '1234567', 'AAAQ-EAYE-7L57-Z7P1', 'AAAQ-EAYE-7L57-Z7P', 'AAAQ-EAYE-7L57-Z7P6A']) expect(readCode(text)).toBeNull();
  });
});

it('costs nothing to mistype four times, then ever longer, a quarter of an hour at most', () => {
  expect([0, 1, 4, 5, 6, 7, 14, 15, 1_000, 100_000].map((wrong) => waitAfterMs(wrong) / 1_000)).toEqual([0, 0, 0, 1, 2, 4, 512, 900, 900, 900]);
});

it('is shown for a quarter of an hour', () => {
  expect(shownUntil(at(0))).toEqual(at(900));
});
