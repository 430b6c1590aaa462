import { randomBytes } from 'node:crypto';
import { and, eq, isNull } from 'drizzle-orm';
import { TOTP } from 'otpauth/slim';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { base32Of, waitAfterMs } from '../../../domain/second-factor.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/harness/database.ts';
import { refreshTokens, secondFactorRecoveryCodes, secondFactors, sessions } from '../../schema/index.ts';
import { createSecondFactorSeal } from '../../second-factor-seal.ts';
import { insertRefreshToken } from './refresh-tokens.ts';
import { confirmSecondFactor, enrolSecondFactor, readSecondFactor, readShown, removeSecondFactor, resetSecondFactor, verifySecondFactor } from './second-factors.ts';
import { findSessionUser } from './sessions.ts';
import { createUser } from './users.ts';

const STEP_MS = 30_000;
/** The middle of a step, so that nothing here depends on when it runs. */
const T0 = new Date(1_795_800_015_000);
const after = (ms: number) => new Date(T0.getTime() + ms);
const seal = createSecondFactorSeal(randomBytes(32));

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

interface Person {
  userId: number;
  sessionId: string;
  secret: string;
  recoveryCodes: string[];
  codeAt(at: Date): string;
}

const newSession = async (userId: number): Promise<string> => {
  const id = randomBytes(16).toString('hex');
  await database.db.insert(sessions).values({ id, userId, expiresAt: after(1e9), createdAt: T0 });
  return id;
};

/** Someone with a factor that waits for its first code. */
async function enrolled(): Promise<Person> {
  const userId = await createUser(database.db, { email: `${randomBytes(6).toString('hex')}@example.com`, passwordHash: 'x', role: 'ADMIN', now: T0 });
  const secret = base32Of(randomBytes(20));
  const recoveryCodes = Array.from({ length: 10 }, () => base32Of(randomBytes(10)));
  expect(await enrolSecondFactor(database.db, seal, { userId, secret, recoveryCodes })).toEqual({ kind: 'enrolled' });
  const totp = new TOTP({ secret });
  return { userId, sessionId: await newSession(userId), secret, recoveryCodes, codeAt: (at) => totp.generate({ timestamp: at.getTime() }) };
}

/** Someone whose factor is active since a minute before T0, and not shown since. */
async function active(): Promise<Person> {
  const person = await enrolled();
  const now = after(-2 * STEP_MS);
  expect(await confirmSecondFactor(database.db, seal, { ...person, code: person.codeAt(now), now })).toEqual({ kind: 'accepted' });
  await database.db.update(sessions).set({ secondFactorAt: null }).where(eq(sessions.userId, person.userId));
  return person;
}

const verify = (person: Person, code: string, now = T0, sessionId = person.sessionId) => verifySecondFactor(database.db, seal, { userId: person.userId, sessionId, code, now });
const wrongOf = (person: Person, at: Date): string => {
  const near = [-1, 0, 1].map((steps) => person.codeAt(new Date(at.getTime() + steps * STEP_MS)));
  return ['111111', '222222', '333333', '444444'].find((code) => !near.includes(code)) ?? '';
};
const rowOf = async ({ userId }: Person) => (await database.db.select().from(secondFactors).where(eq(secondFactors.userId, userId)))[0];
const left = ({ userId }: Person) => database.db.$count(secondFactorRecoveryCodes, and(eq(secondFactorRecoveryCodes.userId, userId), isNull(secondFactorRecoveryCodes.usedAt)));
const shown = ({ userId, sessionId }: Person, now = T0) => readShown(database.db, { userId, sessionId, now });

describe('an enrolled factor', () => {
  it('counts for nothing until a code of it is confirmed, which shows it in that session alone', async () => {
    const person = await enrolled();
    expect(await readSecondFactor(database.db, { ...person, now: T0 })).toEqual({ state: 'PENDING', confirmedAt: null, recoveryCodesLeft: 10, shownUntil: null });
    expect(await verify(person, person.codeAt(T0))).toEqual({ kind: 'refused', reason: 'second-factor-missing' });
    expect(await removeSecondFactor(database.db, seal, { ...person, code: person.codeAt(T0), now: T0 })).toEqual({ kind: 'refused', reason: 'second-factor-missing' });
    expect(await shown(person)).toBe('missing');

    expect(await confirmSecondFactor(database.db, seal, { ...person, code: person.codeAt(T0), now: T0 })).toEqual({ kind: 'accepted' });
    expect(await readSecondFactor(database.db, { ...person, now: T0 })).toEqual({ state: 'ACTIVE', confirmedAt: T0, recoveryCodesLeft: 10, shownUntil: after(900_000) });
    expect(await shown({ ...person, sessionId: await newSession(person.userId) })).toBe('expired');
    expect(await confirmSecondFactor(database.db, seal, { ...person, code: person.codeAt(after(STEP_MS)), now: after(STEP_MS) })).toEqual({ kind: 'refused', reason: 'second-factor-active' });
  });

  it('is confirmed by the authenticator only, and by that of the last enrolment only', async () => {
    const first = await enrolled();
    const second = { ...first, secret: base32Of(randomBytes(20)), recoveryCodes: [base32Of(randomBytes(10))] };
    expect(await enrolSecondFactor(database.db, seal, second)).toEqual({ kind: 'enrolled' });
    const confirm = (code: string) => confirmSecondFactor(database.db, seal, { ...first, code, now: T0 });
    for (const code of [first.codeAt(T0), first.recoveryCodes[0] ?? '', second.recoveryCodes[0] ?? '']) expect((await confirm(code)).kind).toBe('wrong');
    expect(await confirm(new TOTP({ secret: second.secret }).generate({ timestamp: T0.getTime() }))).toEqual({ kind: 'accepted' });
    expect(await left(first)).toBe(1);
    expect((await verify(first, first.recoveryCodes[1] ?? '')).kind).toBe('wrong');
    expect(await verify(first, second.recoveryCodes[0] ?? '')).toEqual({ kind: 'accepted' });
  });

  it('cannot be replaced while it is active', async () => {
    const person = await active();
    const before = await rowOf(person);
    expect(await enrolSecondFactor(database.db, seal, { ...person, secret: base32Of(randomBytes(20)) })).toEqual({ kind: 'refused', reason: 'second-factor-active' });
    expect(await rowOf(person)).toEqual(before);
  });

  it('is whole or not there: an enrolment that dies halfway leaves the one before', async () => {
    const person = await enrolled();
    const before = await rowOf(person);
    let hashed = 0;
    const dying = {
      ...seal,
      hashRecoveryCode: () => {
        hashed += 1;
        throw new Error('died');
      },
    };
    await expect(enrolSecondFactor(database.db, dying, { ...person, secret: base32Of(randomBytes(20)) })).rejects.toThrow('died');
    expect(hashed).toBe(1);
    expect(await rowOf(person)).toEqual(before);
    expect(await left(person)).toBe(10);
    expect(await confirmSecondFactor(database.db, seal, { ...person, code: person.codeAt(T0), now: T0 })).toEqual({ kind: 'accepted' });
  });

  it('has no secret and no recovery code in its rows', async () => {
    const person = await enrolled();
    const codes = await database.db.select().from(secondFactorRecoveryCodes).where(eq(secondFactorRecoveryCodes.userId, person.userId));
    const stored = JSON.stringify([await rowOf(person), codes]);
    expect(codes).toHaveLength(10);
    for (const secret of [person.secret, ...person.recoveryCodes]) expect(stored).not.toContain(secret);
  });
});

describe('a code', () => {
  it('is accepted once, whichever session it is shown in, and none before it any more', async () => {
    const person = await active();
    const other = await newSession(person.userId);
    const [now, previous] = [person.codeAt(T0), person.codeAt(after(-STEP_MS))];
    expect(await verify(person, now)).toEqual({ kind: 'accepted' });
    expect(await shown(person)).toEqual(after(900_000));
    expect(await verify(person, now, T0, other)).toEqual({ kind: 'wrong', wrongTries: 1 });
    expect(await verify(person, previous, T0, other)).toEqual({ kind: 'wrong', wrongTries: 2 });
    expect(await shown({ ...person, sessionId: other })).toBe('expired');
    expect(await verify(person, person.codeAt(after(STEP_MS)), T0, other)).toEqual({ kind: 'accepted' });
  });

  it('holds a step either way and no further', async () => {
    for (const [steps, kind] of [[-2, 'wrong'], [-1, 'accepted'], [0, 'accepted'], [1, 'accepted'], [2, 'wrong']] as const) {
      const person = await active();
      const later = after(10 * STEP_MS);
      expect([steps, (await verify(person, person.codeAt(new Date(later.getTime() + steps * STEP_MS)), later)).kind]).toEqual([steps, kind]);
    }
  });

  it('shown by many at once is accepted once', async () => {
    const person = await active();
    const at = await Promise.all(Array.from({ length: 8 }, async () => newSession(person.userId)));
    const verdicts = await Promise.all(at.map((sessionId) => verify(person, person.codeAt(T0), T0, sessionId)));
    expect(verdicts.filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
    expect(await database.db.$count(sessions, and(eq(sessions.userId, person.userId), eq(sessions.secondFactorAt, T0)))).toBe(1);
  });

  it('lets a session act for a quarter of an hour', async () => {
    const person = await active();
    await verify(person, person.codeAt(T0));
    expect(await shown(person, after(899_999))).toEqual(after(900_000));
    expect(await shown(person, after(900_000))).toBe('expired');
  });

  it('is another account’s in no session', async () => {
    const [person, other] = [await active(), await active()];
    expect(await verify(person, person.codeAt(T0), T0, other.sessionId)).toEqual({ kind: 'accepted' });
    expect(await shown(other)).toBe('expired');
  });
});

describe('a recovery code', () => {
  it('stands in for the authenticator once, however it is typed', async () => {
    const person = await active();
    const [code = ''] = person.recoveryCodes;
    expect(await verify(person, ` ${code.slice(0, 4).toLowerCase()}-${code.slice(4)}`)).toEqual({ kind: 'accepted' });
    expect(await shown(person)).toEqual(after(900_000));
    expect(await left(person)).toBe(9);
    expect((await verify(person, code)).kind).toBe('wrong');
    expect(await verify(person, person.recoveryCodes[1] ?? '')).toEqual({ kind: 'accepted' });
  });

  it('shown by many at once is accepted once', async () => {
    const person = await active();
    const verdicts = await Promise.all(Array.from({ length: 4 }, () => verify(person, person.recoveryCodes[0] ?? '')));
    expect(verdicts.filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
    expect(await left(person)).toBe(9);
  });

  it('of another account is wrong', async () => {
    const [person, other] = [await active(), await active()];
    expect((await verify(person, other.recoveryCodes[0] ?? '')).kind).toBe('wrong');
    expect(await left(other)).toBe(10);
  });
});

describe('wrong tries', () => {
  it('make everyone wait, also for a right code, ever longer and never for good', async () => {
    const person = await active();
    let now = T0;
    for (let wrong = 1; wrong <= 20; wrong += 1) {
      expect(await verify(person, wrongOf(person, now), now)).toEqual({ kind: 'wrong', wrongTries: wrong });
      const until = new Date(now.getTime() + waitAfterMs(wrong));
      if (until > now) {
        const early = new Date(until.getTime() - 1);
        expect(await verify(person, person.codeAt(early), early)).toEqual({ kind: 'wait', until });
      }
      now = until;
    }
    expect(now.getTime() - T0.getTime()).toBeGreaterThan(5 * 900_000);
    expect(await verify(person, person.codeAt(now), now)).toEqual({ kind: 'accepted' });
    expect(await rowOf(person)).toMatchObject({ wrongTries: 0, waitUntil: null });
  });

  it('at once are counted one by one: no more are judged than are free', async () => {
    const person = await active();
    const verdicts = await Promise.all(Array.from({ length: 12 }, () => verify(person, wrongOf(person, T0))));
    expect(verdicts.filter(({ kind }) => kind === 'wrong')).toHaveLength(5);
    expect(verdicts.filter(({ kind }) => kind === 'wait')).toHaveLength(7);
  });

  it('outlive the factor they were made at', async () => {
    const person = await enrolled();
    for (let wrong = 1; wrong <= 5; wrong += 1) await confirmSecondFactor(database.db, seal, { ...person, code: wrongOf(person, T0), now: T0 });
    await enrolSecondFactor(database.db, seal, { ...person, secret: base32Of(randomBytes(20)) });
    expect((await confirmSecondFactor(database.db, seal, { ...person, code: wrongOf(person, T0), now: T0 })).kind).toBe('wait');
  });
});

describe('removing it', () => {
  it('takes a code, and no session has shown it after that', async () => {
    const person = await active();
    await verify(person, person.codeAt(T0));
    expect((await removeSecondFactor(database.db, seal, { ...person, code: person.codeAt(T0), now: T0 })).kind).toBe('wrong');
    expect(await removeSecondFactor(database.db, seal, { ...person, code: person.recoveryCodes[0] ?? '', now: T0 })).toEqual({ kind: 'accepted' });
    expect(await readSecondFactor(database.db, { ...person, now: T0 })).toEqual({ state: 'NONE', confirmedAt: null, recoveryCodesLeft: 0, shownUntil: null });
    expect(await shown(person)).toBe('missing');
    expect(await removeSecondFactor(database.db, seal, { ...person, code: person.codeAt(T0), now: T0 })).toEqual({ kind: 'refused', reason: 'second-factor-missing' });

    // A new one is not shown where the old one was, and what was sealed for the old one opens no more.
    const [{ version } = { version: 0 }] = await database.db.select({ version: secondFactors.version }).from(secondFactors).where(eq(secondFactors.userId, person.userId));
    await enrolSecondFactor(database.db, seal, person);
    await confirmSecondFactor(database.db, seal, { ...person, sessionId: await newSession(person.userId), code: person.codeAt(T0), now: T0 });
    expect(await shown(person)).toBe('expired');
    expect((await rowOf(person))?.version).toBe(version + 1);
  });
});

describe('a reset', () => {
  it('takes it away, forgets wrong tries and ends every session, of this account alone', async () => {
    const [person, other] = [await active(), await active()];
    const tokenHash = randomBytes(32).toString('hex');
    await insertRefreshToken(database.db, { tokenHash, userId: person.userId, familyId: person.sessionId, expiresAt: after(1e9), now: T0 });
    for (let wrong = 1; wrong <= 6; wrong += 1) await verify(person, wrongOf(person, T0), after(wrong * 1_000));
    expect(await resetSecondFactor(database.db, { userId: person.userId, now: T0 })).toBe(true);
    expect(await rowOf(person)).toMatchObject({ sealed: null, confirmedAt: null, lastStep: null, wrongTries: 0, waitUntil: null });
    expect(await left(person)).toBe(0);
    expect(await findSessionUser(database.db, person.sessionId, person.userId, T0)).toBeUndefined();
    expect(await database.db.$count(refreshTokens, and(eq(refreshTokens.tokenHash, tokenHash), eq(refreshTokens.revokedAt, T0)))).toBe(1);
    expect(await findSessionUser(database.db, other.sessionId, other.userId, T0)).toBeDefined();
    expect(await verify(other, other.codeAt(T0))).toEqual({ kind: 'accepted' });

    const later = { ...person, sessionId: await newSession(person.userId) };
    expect(await resetSecondFactor(database.db, { userId: person.userId, now: after(1) })).toBe(true);
    expect(await findSessionUser(database.db, later.sessionId, person.userId, T0)).toBeUndefined();
  });

  it('works for an account that never had one, and says so of one that does not exist', async () => {
    const userId = await createUser(database.db, { email: 'bare@example.com', passwordHash: 'x', role: 'ADMIN', now: T0 });
    expect(await resetSecondFactor(database.db, { userId, now: T0 })).toBe(true);
    expect(await resetSecondFactor(database.db, { userId: 999_999, now: T0 })).toBe(false);
    expect(await database.db.$count(secondFactors, eq(secondFactors.userId, 999_999))).toBe(0);
  });
});

describe('a factor under another seal key', () => {
  it('is unreadable, which is said, counts as no wrong try, and is mended by a reset', async () => {
    const person = await active();
    const other = createSecondFactorSeal(randomBytes(32));
    const unreadable = { kind: 'refused', reason: 'second-factor-unreadable' };
    for (const code of [person.codeAt(T0), person.recoveryCodes[0] ?? '']) expect(await verifySecondFactor(database.db, other, { ...person, code, now: T0 })).toEqual(unreadable);
    expect(await removeSecondFactor(database.db, other, { ...person, code: person.codeAt(T0), now: T0 })).toEqual(unreadable);
    expect((await rowOf(person))?.wrongTries).toBe(0);
    await resetSecondFactor(database.db, { userId: person.userId, now: T0 });
    await enrolSecondFactor(database.db, other, person);
    expect(await confirmSecondFactor(database.db, other, { ...person, code: person.codeAt(T0), now: T0 })).toEqual({ kind: 'accepted' });
  });

  it('is what a row moved to another account, or set back to an old version, looks like', async () => {
    const [victim, thief] = [await active(), await active()];
    const thiefs = await rowOf(thief);
    await database.db.update(secondFactors).set({ sealed: thiefs?.sealed ?? null }).where(eq(secondFactors.userId, victim.userId));
    expect(await verify(victim, thief.codeAt(T0))).toEqual({ kind: 'refused', reason: 'second-factor-unreadable' });
  });
});
