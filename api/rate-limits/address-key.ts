import ipaddr from 'ipaddr.js';

/** What one subscriber is usually given (RFC 6177): counted by less, a single one would have as many counters as he likes. */
const IPV6_PREFIX_BITS = 64;

/**
 * The part of a caller's address that is counted: an IPv4 address whole, also one written as IPv6, and of an IPv6
 * address its /64. `undefined` for what is no address, such as a forwarded name.
 */
export function addressKey(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return undefined;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  const prefix = new ipaddr.IPv6(parsed.parts.map((part, index) => (index < IPV6_PREFIX_BITS / 16 ? part : 0)));
  return `${prefix.toString()}/${IPV6_PREFIX_BITS}`;
}
