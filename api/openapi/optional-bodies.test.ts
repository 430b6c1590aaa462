import { expect, it } from 'vitest';
import { tellOptionalBodies } from './optional-bodies.ts';

it('a body whose schema allows null may be missing, any other may not', () => {
  const operation = (schema: object) => ({ post: { requestBody: { required: true, content: { 'application/json': { schema } } } } });
  const document = tellOptionalBodies({
    openapi: '3.1.0',
    paths: { '/a': operation({ anyOf: [{ $ref: '#/components/schemas/A' }, { type: 'null' }] }), '/b': operation({ $ref: '#/components/schemas/B' }), '/c': operation({ type: 'null' }), '/d': { get: {} } },
  });
  const required = Object.values(document.paths).map((operations) => ('post' in operations ? operations.post.requestBody.required : undefined));
  expect(required).toEqual([false, true, false, undefined]);
});
