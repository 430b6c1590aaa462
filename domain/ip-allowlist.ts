import ipaddr from 'ipaddr.js';
import { EngineError } from './errors.ts';
import { parseIpNetwork } from './ip-network.ts';

/**
 * The networks of an allowlist in one spelling, CIDR (RFC 4632, RFC 4291). An address alone is a network of one. Throws
 * `VALIDATION_FAILED` for the field `ipAllowlist` where an entry is none, where bits stand behind its prefix (a typing error
 * opens no network), and for IPv4 written as IPv6: callers by IPv4 are compared as IPv4.
 */
export function parseIpAllowlist(entries: readonly string[]): string[] {
  return entries.map((entry) => {
    const parsed = parseIpNetwork(entry);
    if (parsed === null) refuse('not-a-network');
    const { address, prefixBits } = parsed;
    if (address.kind() === 'ipv6' && address.range() === 'ipv4Mapped') refuse('write-as-ipv4');
    const network = `${address.toString()}/${prefixBits}`;
    const first = address.kind() === 'ipv4' ? ipaddr.IPv4.networkAddressFromCIDR(network) : ipaddr.IPv6.networkAddressFromCIDR(network);
    if (first.toString() !== address.toString()) refuse('bits-behind-prefix');
    return network;
  });
}

/** Whether a caller's address lies in one of the networks; IPv4 in IPv6's clothes (`::ffff:192.0.2.1`) counts as IPv4. */
export function isInAllowlist(address: string, networks: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  const caller = ipaddr.process(address);
  return networks.some((network) => {
    const [first, length] = ipaddr.parseCIDR(network);
    return first.kind() === caller.kind() && caller.match(first, length);
  });
}

function refuse(reason: string): never {
  throw new EngineError('VALIDATION_FAILED', { field: 'ipAllowlist', reason });
}
