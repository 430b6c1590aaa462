import { EngineError } from '../../domain/errors.ts';
import { isEmail, normaliseEmail } from '../../domain/email.ts';
import { passwordFault } from '../../domain/password-rules.ts';

/** A password that may be set for an address. Throws `VALIDATION_FAILED` with what is wrong with it. */
export function assertNewPassword(password: string, email: string, field: string): void {
  const reason = passwordFault(password, email);
  if (reason !== null) throw new EngineError('VALIDATION_FAILED', { field, reason });
}

/** An e-mail address of a body in its one spelling. Throws `VALIDATION_FAILED` for what has not the shape of one. */
export function emailIn(text: string): string {
  const email = normaliseEmail(text);
  if (!isEmail(email)) throw new EngineError('VALIDATION_FAILED', { field: 'email', reason: 'not-an-email' });
  return email;
}
