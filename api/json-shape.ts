const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

export interface JsonShape {
  /** how many arrays and objects stand within each other at most */
  depth: number;
  /** names with a value, in all objects together */
  members: number;
}

/**
 * What a JSON text (RFC 8259) is made of, before it is parsed: whatever walks through the value afterwards may then do so by
 * recursion. For text that is no JSON the numbers mean nothing.
 */
export function jsonShape(text: string): JsonShape {
  let open = 0;
  let depth = 0;
  let members = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === BACKSLASH) index += 1;
      else if (code === QUOTE) inString = false;
    } else if (code === QUOTE) inString = true;
    else if (code === COLON) members += 1;
    else if (OPENING.has(code)) depth = Math.max(depth, (open += 1));
    else if (CLOSING.has(code)) open -= 1;
  }
  return { depth, members };
}

/** The members of a parsed value: fewer than its text has where a name stood twice in one object, and only the last was kept. */
export function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const parts: unknown[] = Object.values(value);
  return parts.reduce<number>((sum, part) => sum + membersOf(part), Array.isArray(value) ? 0 : parts.length);
}
