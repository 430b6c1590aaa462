import { lt } from 'drizzle-orm';
import type { Queryable } from '../../client.ts';
import { apiKeyNonces } from '../../schema/index.ts';
import { isDuplicateKey } from '../../transact.ts';

/** Rows deleted by one statement: it holds their locks until it ends. */
const PRUNE_ROWS_MAX = 1_000;

/**
 * Takes a nonce of a key for good. Of any number of calls with one nonce, at once or later, exactly one gets true. When the
 * process dies afterwards the nonce stays taken: whoever got no answer signs again with another.
 * @param use.signedAt the signature's own time
 */
export async function takeRequestNonce(db: Queryable, use: { keyId: number; nonce: string; signedAt: Date }): Promise<boolean> {
  try {
    await db.insert(apiKeyNonces).values(use);
    return true;
  } catch (error) {
    if (isDuplicateKey(error)) return false;
    throw error;
  }
}

/** Forgets the nonces of signatures older than `before`, a thousand rows a statement. Called twice, or ended in the middle, it goes on where it was. */
export async function forgetRequestNonces(db: Queryable, before: Date): Promise<void> {
  for (;;) {
    const [{ affectedRows }] = await db.delete(apiKeyNonces).where(lt(apiKeyNonces.signedAt, before)).orderBy(apiKeyNonces.signedAt).limit(PRUNE_ROWS_MAX);
    if (affectedRows < PRUNE_ROWS_MAX) return;
  }
}
