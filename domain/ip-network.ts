import ipaddr from 'ipaddr.js';

export interface IpNetwork {
  address: ipaddr.IPv4 | ipaddr.IPv6;
  /** of an address alone: all of its bits */
  prefixBits: number;
}

/**
 * Reads an address, or a network of them in CIDR notation (RFC 4632, RFC 4291). Null for anything else: in the usual spelling only
 * (`127.1` and `0x7f.0.0.1` mean different things to different programs), and without a zone (what `fe80::1%eth0` names is known to
 * one machine).
 */
export function parseIpNetwork(text: string): IpNetwork | null {
  const [host = '', prefix, ...rest] = text.split('/');
  const isPlain = ipaddr.IPv4.isValidFourPartDecimal(host) || (ipaddr.IPv6.isValid(host) && !host.includes('%'));
  if (rest.length > 0 || !isPlain || (prefix !== undefined && !/^(0|[1-9][0-9]{0,2})$/.test(prefix))) return null;
  const address = ipaddr.parse(host);
  const bits = address.kind() === 'ipv4' ? 32 : 128;
  const prefixBits = prefix === undefined ? bits : Number(prefix);
  return prefixBits > bits ? null : { address, prefixBits };
}

/** True for an address, or a network that does not take in every address there is. */
export function isBoundedNetwork(text: string): boolean {
  return (parseIpNetwork(text)?.prefixBits ?? 0) > 0;
}
