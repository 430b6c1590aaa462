import { expect, it } from 'vitest';
import { isBoundedNetwork, parseIpNetwork } from './ip-network.ts';

it.each([
  ['192.0.2.7', '192.0.2.7', 32],
  ['192.0.2.7/24', '192.0.2.7', 24],
  ['0.0.0.0/0', '0.0.0.0', 0],
  ['2001:DB8::1', '2001:db8::1', 128],
  ['2001:db8::/32', '2001:db8::', 32],
  ['::/0', '::', 0],
])('reads %s', (text, address, prefixBits) => {
  const network = parseIpNetwork(text);
  expect([network?.address.toString(), network?.prefixBits]).toEqual([address, prefixBits]);
});

it.each(['', '/8', 'example.com', '10.0.0', '127.1', '127.1/8', '0x7f.0.0.1', '0x0a.0.0.0/8', '167772160/8', '10.0.0.0/33', '10.0.0.0/08', '10.0.0.0/-1', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/8 ', ' 10.0.0.0', '2001:db8::/129', 'fe80::1%eth0', 'fe80::1%eth0/64', 'loopback'])('reads nothing in "%s"', (text) => {
  expect(parseIpNetwork(text)).toBeNull();
});

it.each([
  ['10.0.0.0/8', true],
  ['192.0.2.7', true],
  ['192.0.2.7/32', true],
  ['2001:db8::/32', true],
  ['::1', true],
  ['0.0.0.0/0', false],
  ['::/0', false],
  ['example.com', false],
  ['', false],
])('isBoundedNetwork: %s is %s', (text, is) => {
  expect(isBoundedNetwork(text)).toBe(is);
});
