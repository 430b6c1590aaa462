import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const text = readFileSync(new URL('dynamic-config.yaml', import.meta.url), 'utf8');

describe('the dynamic configuration', () => {
  it('is a value for each key, and a reason above it', () => {
    const values = parse(text) as Record<string, { value: unknown }[]>;
    for (const [key, entries] of Object.entries(values)) {
      const [before = ''] = text.split(`\n${key}:`);
      const block = before.slice(before.lastIndexOf('\n\n'));
      expect({ key, entries, block }).toEqual({ key, entries: [{ value: expect.anything() }], block: expect.stringContaining('# ') });
    }
  });

  it('lets nobody act on many withdrawals at once', () => {
    expect(parse(text)).toMatchObject({ 'frontend.enableBatcher': [{ value: false }] });
  });
});
