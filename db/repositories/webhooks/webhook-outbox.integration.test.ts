import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { UNCONFIRMED_EVENT } from '../../../domain/webhook-events.ts';
import { withdrawalEvents } from '../../schema/index.ts';
import { inTransaction, newWithdrawal, range } from '../repositories.testkit.ts';
import { queueNotifications } from './webhook-outbox.ts';
import { deliveriesOf, newEndpoint } from './webhooks.testkit.ts';
import { moveTo } from '../withdrawals/withdrawals.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

let owners = 100;
const nextOwner = () => (owners += 1);
const accept = (ownerId: number) => newWithdrawal(database.db, { claim: { ownerId } });
const typesFor = async (endpointId: number) => (await deliveriesOf(database.db, endpointId)).map(({ type }) => type);

describe('a status change', () => {
  it('is told to each of the owner\'s endpoints, from the acceptance on, with one id an event', async () => {
    const ownerId = nextOwner();
    const [first, second, stranger] = [await newEndpoint(database.db, { ownerId }), await newEndpoint(database.db, { ownerId }), await newEndpoint(database.db, { ownerId: nextOwner() })];
    const { requestId } = await accept(ownerId);
    await inTransaction(database.db, (tx) => moveTo(tx, requestId, 'FAILED', 'failed', { set: { errorCode: 'INSUFFICIENT_BALANCE' } }));

    const [messages, others] = [await deliveriesOf(database.db, first.id), await deliveriesOf(database.db, second.id)];
    expect(messages.map(({ type }) => type)).toEqual(['withdrawal.pending', 'withdrawal.failed']);
    expect(others.map(({ messageId, payload }) => ({ messageId, payload }))).toEqual(messages.map(({ messageId, payload }) => ({ messageId, payload })));
    expect(new Set(messages.map(({ messageId }) => messageId)).size).toBe(2);
    expect(await deliveriesOf(database.db, stranger.id)).toEqual([]);

    const timeline = await database.db.select().from(withdrawalEvents).where(sql`${withdrawalEvents.requestId} = ${requestId}`);
    expect(messages.map(({ eventId }) => eventId)).toEqual(timeline.map(({ id }) => id));
    expect(JSON.parse(messages[1]?.payload ?? '')).toMatchObject({ type: 'withdrawal.failed', eventId: timeline[1]?.id, timestamp: timeline[1]?.createdAt.toISOString(), data: { requestId, status: 'FAILED', errorCode: 'INSUFFICIENT_BALANCE', outcome: 'NOT_PAID' } });
  });

  it('is frozen as it was: what changes later changes no message', async () => {
    const ownerId = nextOwner();
    const endpoint = await newEndpoint(database.db, { ownerId });
    const { requestId } = await accept(ownerId);
    await inTransaction(database.db, (tx) => moveTo(tx, requestId, 'CANCELLED', 'cancelled'));
    expect((await deliveriesOf(database.db, endpoint.id)).map(({ payload }) => (JSON.parse(payload) as { data: { status: string } }).data.status)).toEqual(['PENDING', 'CANCELLED']);
  });

  it('that is rolled back is told to nobody', async () => {
    const ownerId = nextOwner();
    const { requestId } = await accept(ownerId);
    const endpoint = await newEndpoint(database.db, { ownerId });
    const undone = inTransaction(database.db, async (tx) => {
      await moveTo(tx, requestId, 'FAILED', 'failed');
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await deliveriesOf(database.db, endpoint.id)).toEqual([]);
  });

  it('made by many at once is told once', async () => {
    const ownerId = nextOwner();
    const { requestId } = await accept(ownerId);
    const endpoint = await newEndpoint(database.db, { ownerId });
    const moved = await Promise.all(range(8).map(() => inTransaction(database.db, (tx) => moveTo(tx, requestId, 'FAILED', 'failed'))));
    expect(moved.filter(Boolean)).toHaveLength(1);
    expect(await typesFor(endpoint.id)).toEqual(['withdrawal.failed']);
  });

  it('is told only to endpoints that want its type and are on', async () => {
    const ownerId = nextOwner();
    const now = new Date();
    const picky = await newEndpoint(database.db, { ownerId, events: ['withdrawal.completed', 'withdrawal.unconfirmed'] });
    const off = await newEndpoint(database.db, { ownerId, offAt: now, offReason: 'OWNER' });
    const removed = await newEndpoint(database.db, { ownerId, deletedAt: now });
    const { requestId } = await accept(ownerId);
    const steps = [['SIGNING', 'nonce reserved'], ['SIGNED', 'signed'], ['BROADCASTING', 'sending'], ['BROADCASTED', 'sent'], ['CONFIRMING', 'included in a block'], ['BROADCASTED', UNCONFIRMED_EVENT], ['CONFIRMING', 'included in a block'], ['COMPLETED', 'completed']] as const;
    const everything = await newEndpoint(database.db, { ownerId });
    for (const [status, event] of steps) expect(await inTransaction(database.db, (tx) => moveTo(tx, requestId, status, event))).toBe(true);
    expect(await typesFor(picky.id)).toEqual(['withdrawal.unconfirmed', 'withdrawal.completed']);
    expect(await typesFor(everything.id)).toEqual(['withdrawal.broadcasted', 'withdrawal.confirming', 'withdrawal.unconfirmed', 'withdrawal.confirming', 'withdrawal.completed']);
    expect([...(await deliveriesOf(database.db, off.id)), ...(await deliveriesOf(database.db, removed.id))]).toEqual([]);
  });

  it('is refused by the unique key when it is written down twice', async () => {
    const ownerId = nextOwner();
    const endpoint = await newEndpoint(database.db, { ownerId });
    const { requestId } = await accept(ownerId);
    const [message] = await deliveriesOf(database.db, endpoint.id);
    const again = queueNotifications(database.db, { eventId: message?.eventId ?? 0, event: 'accepted', requestId, status: 'PENDING', at: new Date() });
    await expect(again).rejects.toThrow(expect.objectContaining({ cause: expect.objectContaining({ code: 'ER_DUP_ENTRY' }) }));
    expect(await deliveriesOf(database.db, endpoint.id)).toHaveLength(1);
  });
});
