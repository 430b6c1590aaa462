import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT_ROOT } from '../stack/paths.ts';
import { clientTypes, type OpenApiDocument } from './client-types.ts';
import { apiDocument } from './document.ts';
import { schemaTypes } from './schema-type.ts';

it('the committed client is what the document says: `npm run generate:client` writes it anew', async () => {
  const committed = readFileSync(join(PROJECT_ROOT, 'api/client/schema.ts'), 'utf8');
  // Compared as a whole: a difference of one line in a hundred kilobytes is shown badly, and its cure is the same.
  expect(clientTypes((await apiDocument()) as OpenApiDocument) === committed).toBe(true);
}, 60_000);

describe('schemaTypes', () => {
  const typeOf = schemaTypes({ Thing: { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] } });

  it.each([
    [{ type: 'string' }, 'string'],
    [{ type: 'integer', minimum: 1 }, 'number'],
    [{ type: ['string', 'null'] }, 'string | null'],
    [{ type: ['string', 'null'], enum: ['a', null] }, '"a" | null'],
    [{ const: 7 }, '7'],
    [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, 'string | null'],
    [{ type: 'array', items: { enum: ['a', 'b'] } }, '("a" | "b")[]'],
    [{ type: 'object', properties: { a: { type: 'string', description: 'ends */ here' }, 'b-c': { type: 'boolean' } }, required: ['a'] }, '{ /** ends *\\/ here */ a: string; "b-c"?: boolean; }'],
    [{ type: 'object', additionalProperties: { type: 'string' } }, 'Record<string, string>'],
    [{ type: 'object', additionalProperties: false }, 'Record<string, never>'],
    [{ $ref: '#/components/schemas/Thing' }, 'components[\'schemas\']["Thing"]'],
    [{ type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] }, 'components[\'schemas\']["Thing"]'],
    [{}, 'unknown'],
  ])('writes %o as %s', (schema, type) => {
    expect(typeOf(schema)).toBe(type);
  });

  it('says which keyword or type it does not know, rather than leave it out', () => {
    expect(() => typeOf({ not: { type: 'string' } } as object)).toThrow('"not"');
    expect(() => typeOf({ type: 'decimal' })).toThrow('"decimal"');
  });
});
