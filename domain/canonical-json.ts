/**
 * JSON in one spelling, keys in the order of their UTF-16 code units and no blanks (RFC 8785, for what this engine seals: strings,
 * whole numbers, booleans, null, lists and objects): the same document gives the same text, whatever order it was stored in.
 * Members that are `undefined` are left out, as in JSON. Throws `RangeError` for a number that is no safe integer.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new RangeError('only safe integers are sealed');
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
}
