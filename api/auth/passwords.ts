import argon2 from 'argon2';
import { EngineError } from '../../domain/errors.ts';

/** OWASP's minimum for argon2id: 19 MiB, two passes, one lane. https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html */
const PARAMETERS = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** Each takes 19 MiB and a thread of the pool that other work needs too. */
const RUNNING_MAX = 2;
const WAITING_MAX = 200;

/** argon2id in PHC string format. */
export function hashPassword(password: string): Promise<string> {
  return argon2.hash(password, PARAMETERS);
}

export interface PasswordVerifier {
  /**
   * Whether `password` is the one behind `hash`. Without a hash it works as long and says no, so that time does not tell
   * whether an account exists. Throws `SERVICE_UNAVAILABLE` when too many are waiting.
   */
  verify(password: string, hash: string | undefined): Promise<boolean>;
}

/** A verifier that computes at most two hashes at once. */
export async function createPasswordVerifier(): Promise<PasswordVerifier> {
  const nobodysHash = await hashPassword(crypto.randomUUID());
  const waiting: (() => void)[] = [];
  let running = 0;
  const enter = async (): Promise<void> => {
    if (running < RUNNING_MAX) {
      running += 1;
      return;
    }
    if (waiting.length >= WAITING_MAX) throw new EngineError('SERVICE_UNAVAILABLE', { reason: 'sign-ins' });
    await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const leave = (): void => {
    const next = waiting.shift();
    // The place passes on directly: nobody can slip in between.
    if (next) next();
    else running -= 1;
  };
  return {
    async verify(password, hash) {
      await enter();
      try {
        const matches = await argon2.verify(hash ?? nobodysHash, password);
        return matches && hash !== undefined;
      } finally {
        leave();
      }
    },
  };
}
