import { parseIpNetwork } from './ip-network.ts';

/** True for an IP address, or a range of them that does not take in every address there is. */
export function isAddressRange(text: string): boolean {
  return (parseIpNetwork(text)?.prefixBits ?? 0) > 0;
}
