import type { Access } from '../access.ts';
import { errorResponses } from '../schemas/error.ts';

const WITHOUT_BODY = new Set(['GET', 'HEAD']);

/**
 * What every route of that method and access rule may refuse with, so that no route has to list it: a query that is too long
 * or too much, who asks, a body that cannot be read, limits, and what is our own fault. Headers that are too large (431) are
 * answered before there is a route.
 */
export function impliedErrors(method: string, { who, limit }: Access): Record<number, object> {
  const account = who === 'anyone' ? [] : [401, 403];
  const body = WITHOUT_BODY.has(method) ? [] : [408, 413, 415];
  return errorResponses(400, ...account, ...body, 414, ...(limit === 'none' ? [] : [429]), 500, 503);
}
