import ipaddr from 'ipaddr.js';

/** True for an IP address, or a range of them in CIDR notation (RFC 4632, RFC 4291) that does not take in every address there is. */
export function isAddressRange(text: string): boolean {
  if (!text.includes('/')) return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
  if (!ipaddr.isValidCIDR(text)) return false;
  const [, prefixBits] = ipaddr.parseCIDR(text);
  return prefixBits > 0;
}
