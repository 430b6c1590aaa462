import { describe, expect, it } from 'vitest';
import { isInAllowlist, parseIpAllowlist } from './ip-allowlist.ts';

describe('parseIpAllowlist', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7/32'],
    ['192.0.2.0/24', '192.0.2.0/24'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8::/32', '2001:db8::/32'],
    ['2001:db8:0:0:0:0:0:1', '2001:db8::1/128'],
    ['::/0', '::/0'],
  ])('reads %s as %s, and that as itself', (entry, network) => {
    expect(parseIpAllowlist([entry])).toEqual([network]);
    expect(parseIpAllowlist([network])).toEqual([network]);
  });

  it.each([
    ['', 'not-a-network'],
    ['example.com', 'not-a-network'],
    ['127.1', 'not-a-network'],
    ['0x7f.0.0.1', 'not-a-network'],
    ['192.0.2.0/33', 'not-a-network'],
    ['192.0.2.0/024', 'not-a-network'],
    ['192.0.2.0/-1', 'not-a-network'],
    ['192.0.2.0/', 'not-a-network'],
    ['192.0.2.0/24/24', 'not-a-network'],
    ['2001:db8::/129', 'not-a-network'],
    ['fe80::1%eth0', 'not-a-network'],
    [' 192.0.2.7', 'not-a-network'],
    ['192.0.2.7/24', 'bits-behind-prefix'],
    ['2001:db8::1/64', 'bits-behind-prefix'],
    ['::ffff:192.0.2.7', 'write-as-ipv4'],
    ['::ffff:0:0/96', 'write-as-ipv4'],
  ])('refuses %s: %s', (entry, reason) => {
    expect(() => parseIpAllowlist(['192.0.2.0/24', entry])).toThrow(expect.objectContaining({ code: 'VALIDATION_FAILED', parameters: { field: 'ipAllowlist', reason } }));
  });
});

describe('isInAllowlist', () => {
  const networks = parseIpAllowlist(['192.0.2.0/25', '198.51.100.9', '2001:db8:1::/48']);

  it.each([
    ['192.0.2.0', true],
    ['192.0.2.127', true],
    ['192.0.2.128', false],
    ['198.51.100.9', true],
    ['198.51.100.8', false],
    ['::ffff:192.0.2.1', true],
    ['::ffff:c000:201', true],
    ['::ffff:192.0.2.200', false],
    ['2001:db8:1:ffff::1', true],
    ['2001:db8:2::1', false],
    ['::1', false],
    ['127.0.0.1', false],
    ['', false],
    ['unknown', false],
  ])('%s: %s', (address, inside) => {
    expect(isInAllowlist(address, networks)).toBe(inside);
  });

  it('takes no IPv6 address for all of IPv4, nor the other way round', () => {
    expect(isInAllowlist('2001:db8::1', ['0.0.0.0/0'])).toBe(false);
    expect(isInAllowlist('192.0.2.1', ['::/0'])).toBe(false);
  });
});
