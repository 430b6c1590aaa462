import { randomBytes, timingSafeEqual } from 'node:crypto';
import { availableParallelism } from 'node:os';
import argon2 from 'argon2';
import { EngineError } from '../../domain/errors.ts';
import { normalisePassword } from '../../domain/password-rules.ts';

/** How a hash is computed: the same password by the same recipe gives the same text. */
export interface Recipe {
  memoryKib: number;
  passes: number;
  lanes: number;
  salt: Buffer;
}

/** OWASP's minimum for argon2id: 19 MiB, two passes, one lane. https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html */
const COST = { memoryKib: 19_456, passes: 2, lanes: 1 } as const;
const SALT_BYTES = 16;
/** `$argon2id$v=19$m=…,t=…,p=…$salt$hash`; libraries write the parameters in different orders. */
const PHC = /^\$argon2id\$v=19\$([a-z0-9=,]+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** libuv's pool, where hashes are computed; name look-ups and files need a thread of it too. */
const POOL_THREADS = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);
/** Each takes a core and 19 MiB. */
const RUNNING_MAX = Math.max(1, Math.min(availableParallelism(), POOL_THREADS - 1));
const WAITING_MAX = 200;

/** The recipe for a new password: today's cost, and a random salt unless one is given. */
export function newRecipe(salt: Buffer = randomBytes(SALT_BYTES)): Recipe {
  return { ...COST, salt };
}

/** The recipe a stored hash was made by; undefined for what is no argon2id hash. */
export function recipeOf(stored: string): Recipe | undefined {
  const [, parameters = '', salt] = PHC.exec(stored) ?? [];
  const numbers = new Map(parameters.split(',').map((pair) => pair.split('=') as [string, string]));
  const [memoryKib, passes, lanes] = ['m', 't', 'p'].map((name) => Number(numbers.get(name)));
  if (salt === undefined || !memoryKib || !passes || !lanes) return undefined;
  return { memoryKib, passes, lanes, salt: Buffer.from(salt, 'base64') };
}

/** Whether two hashes that were made by one recipe are of one password. */
export function isSameHash(stored: string, computed: string): boolean {
  const [given, expected] = [stored, computed].map((text) => Buffer.from(PHC.exec(text)?.[3] ?? '', 'base64'));
  return given !== undefined && expected !== undefined && given.length > 0 && given.length === expected.length && timingSafeEqual(given, expected);
}

/** argon2id in PHC string format, written as RFC 9106's reference implementation does. The password is normalised first. */
export async function hashPassword(password: string, recipe: Recipe = newRecipe()): Promise<string> {
  const { memoryKib, passes, lanes, salt } = recipe;
  const hash = await argon2.hash(normalisePassword(password), { type: argon2.argon2id, memoryCost: memoryKib, timeCost: passes, parallelism: lanes, salt, raw: true });
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${unpadded(salt)}$${unpadded(hash)}`;
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}

export interface PasswordVerifier {
  /** See `hashPassword`. Throws `SERVICE_UNAVAILABLE` when too many are waiting. */
  hash(password: string, recipe: Recipe): Promise<string>;
  /** Whether `password` is the one behind `stored`; throws as `hash` does. */
  verify(password: string, stored: string): Promise<boolean>;
}

/**
 * Computes no more hashes at once than there are cores, and lets a bounded number wait: a flood of sign-ins is refused in time
 * instead of being answered too late.
 * @param onHash called for each hash that is computed
 */
export function createPasswordVerifier(onHash: () => void = () => undefined): PasswordVerifier {
  const waiting: (() => void)[] = [];
  let running = 0;
  const enter = async (): Promise<void> => {
    if (running < RUNNING_MAX) {
      running += 1;
      return;
    }
    if (waiting.length >= WAITING_MAX) throw new EngineError('SERVICE_UNAVAILABLE', { reason: 'sign-ins', retryAfterSeconds: '5' });
    await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const leave = (): void => {
    const next = waiting.shift();
    // The place passes on directly: nobody can slip in between.
    if (next) next();
    else running -= 1;
  };
  const hash = async (password: string, recipe: Recipe): Promise<string> => {
    await enter();
    try {
      onHash();
      return await hashPassword(password, recipe);
    } finally {
      leave();
    }
  };
  return { hash, verify: async (password, stored) => isSameHash(stored, await hash(password, recipeOf(stored) ?? newRecipe())) };
}
