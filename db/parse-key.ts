const KEY_BYTES = 32;

/**
 * Reads a key as it stands in the environment: 32 bytes, base64 (RFC 4648, padded).
 *
 * @param variable its name, for the message
 * @throws Error naming the variable, never quoting its value
 */
export function parseKey(text: string, variable: string): Buffer {
  const key = Buffer.from(text, 'base64');
  // Buffer.from skips what is not base64; only a round trip shows that nothing was skipped.
  if (key.length !== KEY_BYTES || key.toString('base64') !== text) {
    key.fill(0);
    throw new Error(`${variable} must be ${KEY_BYTES} bytes in base64 (44 characters).`);
  }
  return key;
}
