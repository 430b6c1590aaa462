/**
 * What a new password must be, by NIST SP 800-63B (rev. 4, 3.1.1.2): long, of whatever characters, and none of those that are
 * tried first. Nothing is asked about kinds of characters, and no password expires.
 */

/** Code points, after normalisation. */
const PASSWORD_LENGTH_MIN = 12;
export const PASSWORD_LENGTH_MAX = 128;

export type PasswordFault = 'too-short' | 'too-long' | 'too-common' | 'is-the-address';

/**
 * What the commonest long passwords are made of, from published lists of leaked ones: one of these words or several, with
 * digits and signs around them. None is put together from others, or the pattern would take long over long texts.
 */
const COMMON_WORDS = [
  'passwd', 'passphrase', 'passport', 'pass', 'word', 'qwertyuiop', 'qwerty', 'qwertz', 'azerty', 'asdfghjkl', 'asdfgh', 'asdf', 'zxcvbnm', 'zxcvbn', 'qazwsx', 'qazwsxedc',
  'qwer', 'iloveyou', 'loveyou', 'love', 'letmein', 'welcome', 'admin', 'administrator', 'root', 'user', 'guest', 'test', 'testing', 'login', 'access', 'default', 'change', 'me', 'changeit',
  'secret', 'temporary', 'temp', 'hello', 'world', 'master', 'dragon', 'monkey', 'football', 'baseball', 'basketball', 'superman', 'batman', 'sunshine', 'princess', 'shadow', 'michael', 'jordan', 'charlie',
  'trustno', 'starwars', 'pokemon', 'whatever', 'freedom', 'forever', 'computer', 'internet', 'google', 'samsung', 'abc', 'abcd', 'abcdef', 'abcdefgh', 'spring', 'summer', 'autumn', 'winter', 'my', 'the', 'new', 'is', 'this',
  'bitcoin', 'ethereum', 'polygon', 'crypto', 'wallet', 'exchange', 'withdrawal', 'withdrawals', 'engine', 'dkagh', 'tkfkdgo', 'skfkdgo',
];
const ONLY_COMMON_WORDS = new RegExp(`^(?:${COMMON_WORDS.join('|')})+$`);
/** Digits and signs that stand for letters. */
const LOOKALIKES: Record<string, string> = { '0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '7': 't', '@': 'a', $: 's', '!': 'i' };
const RUNS = ['abcdefghijklmnopqrstuvwxyz', '012345678901234567890123456789', 'qwertyuiopasdfghjklzxcvbnm', '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p', '1q2w3e4r5t6y7u8i9o0p', 'q1w2e3r4t5y6u7i8o9p0'];
const REPEATED = /^(.{1,4}?)\1+.{0,3}$/u;

/** The one spelling a password is hashed in, so that it works from any keyboard: NFKC (NIST SP 800-63B, 3.1.1.2). */
export function normalisePassword(password: string): string {
  return password.normalize('NFKC');
}

/** Why a password cannot be set for the account of an address (in its one spelling), or null where it can. */
export function passwordFault(password: string, email: string): PasswordFault | null {
  const text = normalisePassword(password);
  const length = Array.from(text).length;
  if (length < PASSWORD_LENGTH_MIN) return 'too-short';
  if (length > PASSWORD_LENGTH_MAX) return 'too-long';
  const lower = text.toLowerCase();
  const [local = ''] = email.split('@');
  if (lower === email || lower === local || lower.replace(/[^\p{L}]/gu, '') === email.replace(/[^\p{L}]/gu, '')) return 'is-the-address';
  return isCommon(lower) ? 'too-common' : null;
}

function isCommon(lower: string): boolean {
  if (REPEATED.test(lower)) return true;
  if (RUNS.some((run) => run.includes(lower) || Array.from(run).toReversed().join('').includes(lower))) return true;
  // A text in another script has no letters left here, and is not common for that.
  if (!/^[\x20-\x7e]*$/.test(lower)) return false;
  const spelled = lower.replace(/[^a-z]+$/, '').replace(/[^a-z]/g, (character) => LOOKALIKES[character] ?? '');
  return [lower.replace(/[^a-z]/g, ''), spelled].some((letters) => ONLY_COMMON_WORDS.test(letters));
}
