import { eq, lt, sql } from 'drizzle-orm';
import { AT_PLACE, countGuess, FROM_EVERYWHERE, KNOWN_PLACE_MS, takenBack, type GuessCount } from '../../../domain/password-guesses.ts';
import type { Database, Transaction } from '../../client.ts';
import { passwordGuesses } from '../../schema/index.ts';
import { transact } from '../../transact.ts';

/** What guesses are counted by, each 64 hex digits. */
export interface GuessSubjects {
  /** the address at the place the guess comes from */
  place: string;
  /** the address, from everywhere */
  address: string;
}

/** What a guess has counted, to take it back by. */
export interface CountedGuess {
  subjects: GuessSubjects;
  place: GuessCount;
  /** null: not asked, as somebody has signed in from that place */
  address: GuessCount | null;
}

/** A guess adds two rows at most, so that there are never many more than guesses in an hour. */
const PRUNED_PER_GUESS = 10;

/**
 * Counts a guess as wrong before it is tried, or says how long there is to wait. Of two at once one counts after the other. A
 * process that dies afterwards leaves it counted.
 */
export async function takeGuess(db: Database, subjects: GuessSubjects, now: Date): Promise<{ kind: 'wait'; retryAfterMs: number } | { kind: 'counted'; guess: CountedGuess }> {
  const taken = await transact(db, async (tx) => {
    const row = await lockSubject(tx, subjects.place, now);
    const place = countGuess(AT_PLACE, row, now);
    if (place.kind === 'wait') return place;
    const isKnown = row.knownUntil !== null && row.knownUntil > now;
    const address = isKnown ? null : countGuess(FROM_EVERYWHERE, await lockSubject(tx, subjects.address, now), now);
    if (address?.kind === 'wait') return address;
    await writeCount(tx, subjects.place, place.next, row.knownUntil);
    if (address) await writeCount(tx, subjects.address, address.next, null);
    return { kind: 'counted' as const, guess: { subjects, place: place.next, address: address?.next ?? null } };
  });
  await db.delete(passwordGuesses).where(lt(passwordGuesses.forgetAt, now)).orderBy(passwordGuesses.forgetAt).limit(PRUNED_PER_GUESS);
  return taken;
}

/**
 * Counts a guess no more.
 * @param options.signedIn whether somebody signed in by it: the place is a known one for a month then
 */
export async function takeGuessBack(db: Database, guess: CountedGuess, now: Date, options: { signedIn: boolean }): Promise<void> {
  await transact(db, async (tx) => {
    const row = await lockSubject(tx, guess.subjects.place, now);
    await writeCount(tx, guess.subjects.place, takenBack(row, guess.place), options.signedIn ? new Date(now.getTime() + KNOWN_PLACE_MS) : row.knownUntil);
    if (guess.address) await writeCount(tx, guess.subjects.address, takenBack(await lockSubject(tx, guess.subjects.address, now), guess.address), null);
  });
}

/** The row of a subject, locked until the transaction ends; made when there is none. */
export async function lockSubject(tx: Transaction, subject: string, now: Date): Promise<GuessCount & { knownUntil: Date | null }> {
  await tx
    .insert(passwordGuesses)
    .values({ subject, failures: 0, waitUntil: null, fadesAt: now, knownUntil: null, forgetAt: now })
    .onDuplicateKeyUpdate({ set: { subject: sql`${passwordGuesses.subject}` } });
  const [row] = await tx.select().from(passwordGuesses).where(eq(passwordGuesses.subject, subject)).for('update');
  if (!row) throw new Error('a row this transaction holds is not there');
  return row;
}

async function writeCount(tx: Transaction, subject: string, count: GuessCount, knownUntil: Date | null): Promise<void> {
  const forgetAt = knownUntil !== null && knownUntil > count.fadesAt ? knownUntil : count.fadesAt;
  await tx.update(passwordGuesses).set({ failures: count.failures, waitUntil: count.waitUntil, fadesAt: count.fadesAt, knownUntil, forgetAt }).where(eq(passwordGuesses.subject, subject));
}
