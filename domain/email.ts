/** RFC 5321, 4.5.3.1: an address has 254 characters at most, what stands before its `@` 64. */
export const EMAIL_LENGTH_MAX = 254;
const LOCAL_LENGTH_MAX = 64;

/**
 * What browsers take for an address (HTML, "valid e-mail address"), with a dotted domain. ASCII only: letters of other scripts
 * that look like these would make two accounts look like one.
 */
const SHAPE = /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/;

/** One spelling of an e-mail address, so that a person signs in however they capitalise it. */
export function normaliseEmail(email: string): string {
  return email.trim().toLowerCase();
}

/** Whether a normalised text has the shape of an e-mail address. That it exists, or is anyone's, is another matter. */
export function isEmail(text: string): boolean {
  return text.length <= EMAIL_LENGTH_MAX && text.indexOf('@') <= LOCAL_LENGTH_MAX && SHAPE.test(text);
}
