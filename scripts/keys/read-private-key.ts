import { UsageError } from '../command-line/exit-codes.ts';

const BYTES = 32;
/** A key with `0x` and line ends is 68 at most; more is not a key. */
const INPUT_BYTES_MAX = 256;

/**
 * Reads one private key as hex, with or without `0x`, from a stream. It is decoded from bytes to bytes, so that no
 * string of it is ever made; the buffers read are zeroed.
 *
 * @returns 32 bytes, the caller's to zero
 * @throws UsageError, without a word of the input
 */
export async function readPrivateKey(input: AsyncIterable<Buffer>): Promise<Buffer> {
  const text = Buffer.alloc(INPUT_BYTES_MAX);
  let length = 0;
  try {
    for await (const chunk of input) {
      if (length + chunk.length > text.length) {
        chunk.fill(0);
        throw notAKey();
      }
      chunk.copy(text, length);
      length += chunk.length;
      chunk.fill(0);
    }
    return decode(trim(text.subarray(0, length)));
  } finally {
    text.fill(0);
  }
}

function notAKey(): UsageError {
  return new UsageError('standard input must hold one private key: 64 hex digits, with or without 0x');
}

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;

function trim(text: Buffer): Buffer {
  let [start, end] = [0, text.length];
  while (start < end && isSpace(text[start])) start += 1;
  while (end > start && isSpace(text[end - 1])) end -= 1;
  const hasPrefix = end - start >= 2 && text[start] === 0x30 && text[start + 1] === 0x78;
  return text.subarray(hasPrefix ? start + 2 : start, end);
}

function decode(digits: Buffer): Buffer {
  if (digits.length !== BYTES * 2) throw notAKey();
  const key = Buffer.alloc(BYTES);
  for (let index = 0; index < digits.length; index += 1) {
    const value = valueOf(digits[index] ?? 0);
    if (value < 0) {
      key.fill(0);
      throw notAKey();
    }
    key[index >> 1] = ((key[index >> 1] ?? 0) << 4) | value;
  }
  return key;
}

/** The value of a hex digit given as its ASCII code, or -1. */
function valueOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}
