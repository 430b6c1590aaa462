import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../api.testkit.ts';
import { acceptOne, setWithdrawal } from '../withdrawals.testkit.ts';

interface Page {
  items: { requestId: string; createdAt: string; currency: string; status: string }[];
  nextCursor: string | null;
}

let api: TestApi;
const ids: string[] = [];
beforeAll(async () => {
  api = await startTestApi();
  for (let index = 0; index < 7; index += 1) ids.push(await acceptOne(api, { currency: index % 2 === 0 ? 'USDC' : 'POL' }));
  // Two of the same millisecond: the id decides between them.
  const createdAt = new Date();
  for (const requestId of ids.slice(2, 4)) await setWithdrawal(api, requestId, { createdAt });
  await setWithdrawal(api, ids[0] ?? '', { status: 'COMPLETED' });
});
afterAll(() => api.close());

async function readAll(query: string): Promise<Page['items']> {
  const items: Page['items'] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page: Page = (await api.get(`/withdrawals?limit=2${query}${cursor === '' ? '' : `&cursor=${cursor}`}`)).json<Page>();
    expect(page.items.length).toBeLessThanOrEqual(2);
    items.push(...page.items);
    cursor = page.nextCursor;
  }
  return items;
}

describe('GET /withdrawals', () => {
  it('gives every withdrawal once, newest first', async () => {
    const items = await readAll('');
    expect(items.map(({ requestId }) => requestId).toSorted()).toEqual(ids.toSorted());
    const keys = items.map(({ createdAt, requestId }) => `${createdAt} ${requestId}`);
    expect(keys).toEqual(keys.toSorted().toReversed());
  });

  it('filters by status and currency', async () => {
    expect((await readAll('&currency=POL')).map(({ currency }) => currency)).toEqual(['POL', 'POL', 'POL']);
    expect((await readAll('&status=COMPLETED')).map(({ requestId }) => requestId)).toEqual([ids[0]]);
    expect(await readAll('&status=COMPLETED&currency=POL')).toEqual([]);
  });

  it("shows an owner his own, an ADMIN everyone's", async () => {
    expect((await api.get('/withdrawals', api.stranger)).json()).toEqual({ items: [], nextCursor: null });
    expect((await api.get('/withdrawals', api.admin)).json<Page>().items).toHaveLength(7);
  });

  it.each(['limit=0', 'limit=101', 'limit=x', 'limit=1.5', 'limit=-1', 'status=DONE', 'status=FAILED&status=FAILED', 'cursor=xyz', 'cursor=', 'page=2', 'currency='])('refuses ?%s', async (query) => {
    const response = await api.get(`/withdrawals?${query}`);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ error: { code: 'VALIDATION_FAILED' }, details: [{ field: query.split('=')[0] }] });
  });
});
