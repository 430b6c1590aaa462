import { describe, expect, it } from 'vitest';
import { readSignatures, readVulnerabilities } from './audit.ts';

const result = (code: number | null, stdout: object | string, stderr = '') => ({ code, stdout: typeof stdout === 'string' ? stdout : JSON.stringify(stdout), stderr });
const counts = (high: number) => ({ info: 0, low: 0, moderate: 0, high, critical: 0, total: high });

describe('npm audit', () => {
  it('is clean only where it was answered', () => {
    expect(readVulnerabilities(result(0, { vulnerabilities: {}, metadata: { vulnerabilities: counts(0) } }))).toEqual({ kind: 'clean', detail: 'no known vulnerability' });
  });

  it('names what it found, whatever its exit code', () => {
    for (const code of [0, 1]) expect(readVulnerabilities(result(code, { vulnerabilities: { leftpad: {} }, metadata: { vulnerabilities: counts(1) } }))).toEqual({ kind: 'found', detail: '1 high: leftpad' });
  });

  it.each([
    [result(1, { message: '405 Method Not Allowed - POST https://registry.example/-/npm', statusCode: 405 }), '405 Method Not Allowed - POST the registry'],
    [result(1, '', 'npm warn x\nnpm error code ENOTFOUND\n'), 'code ENOTFOUND'],
    [result(null, ''), 'npm gave no answer'],
  ])('without an answer it is not clean', (given, detail) => {
    expect(readVulnerabilities(given)).toEqual({ kind: 'unasked', detail });
    expect(readSignatures(given)).toEqual({ kind: 'unasked', detail });
  });
});

describe('npm audit signatures', () => {
  it('holds only where none is wrong or missing', () => {
    expect(readSignatures(result(0, { invalid: [], missing: [] })).kind).toBe('clean');
    expect(readSignatures(result(1, { invalid: [{ name: 'a' }], missing: [{ name: 'b' }] }))).toEqual({ kind: 'found', detail: 'a (invalid), b (missing)' });
  });
});
