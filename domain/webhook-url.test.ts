import { describe, expect, it } from 'vitest';
import { isRefusedAddress, parseWebhookUrl, urlRefusal } from './webhook-url.ts';

const STRICT = { allowHttp: false, allowPrivateAddresses: false };
const SANDBOX = { allowHttp: true, allowPrivateAddresses: true };

/** The first and the last address of every block of the IANA special-purpose registries (RFC 6890 and its updates), and of multicast. */
const NOT_PUBLIC = [
  ['this network', '0.0.0.0', '0.255.255.255'],
  ['private 10/8', '10.0.0.0', '10.255.255.255'],
  ['carrier-grade NAT', '100.64.0.0', '100.127.255.255'],
  ['loopback', '127.0.0.0', '127.255.255.255'],
  ['link-local, cloud metadata', '169.254.0.0', '169.254.255.255'],
  ['private 172.16/12', '172.16.0.0', '172.31.255.255'],
  ['IETF protocols', '192.0.0.0', '192.0.0.255'],
  ['documentation 1', '192.0.2.0', '192.0.2.255'],
  ['AS112', '192.31.196.0', '192.31.196.255'],
  ['AMT', '192.52.193.0', '192.52.193.255'],
  ['6to4 relay', '192.88.99.0', '192.88.99.255'],
  ['private 192.168/16', '192.168.0.0', '192.168.255.255'],
  ['AS112 direct', '192.175.48.0', '192.175.48.255'],
  ['benchmarking', '198.18.0.0', '198.19.255.255'],
  ['documentation 2', '198.51.100.0', '198.51.100.255'],
  ['documentation 3', '203.0.113.0', '203.0.113.255'],
  ['multicast', '224.0.0.0', '239.255.255.255'],
  ['reserved', '240.0.0.0', '255.255.255.254'],
  ['broadcast', '255.255.255.255', '255.255.255.255'],
  ['unspecified', '::', '::'],
  ['loopback v6', '::1', '::1'],
  ['IPv4-compatible', '::127.0.0.1', '::10.0.0.1'],
  ['IPv4-mapped', '::ffff:0.0.0.0', '::ffff:255.255.255.255'],
  ['IPv4-mapped, public inside', '::ffff:8.8.8.8', '::ffff:1.1.1.1'],
  ['IPv4-translated', '::ffff:0:127.0.0.1', '::ffff:0:8.8.8.8'],
  ['NAT64', '64:ff9b::7f00:1', '64:ff9b::ffff:ffff'],
  ['NAT64 local', '64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff'],
  ['discard', '100::', '100::ffff:ffff:ffff:ffff'],
  ['IETF protocols v6', '2001::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['Teredo', '2001:0:7f00:1::', '2001:0:ffff::'],
  ['benchmarking v6', '2001:2::', '2001:2:0:ffff:ffff:ffff:ffff:ffff'],
  ['ORCHID', '2001:10::', '2001:2f:ffff::'],
  ['documentation v6', '2001:db8::', '2001:db8:ffff::1'],
  ['6to4 of 127.0.0.1', '2002:7f00:1::', '2002:7f00:1::1'],
  ['6to4 of a public address', '2002:808:808::', '2002:ffff:ffff::'],
  ['AS112 v6', '2620:4f:8000::', '2620:4f:8000:ffff::'],
  ['documentation v6, new', '3fff::', '3fff:fff:ffff::'],
  ['segment routing', '5f00::', '5f00:ffff::'],
  ['unassigned', '4000::1', 'e000::1'],
  ['unique local', 'fc00::', 'fdff:ffff::1'],
  ['link-local v6', 'fe80::', 'febf:ffff::1'],
  ['site-local', 'fec0::', 'feff:ffff::1'],
  ['multicast v6', 'ff00::', 'ffff:ffff::1'],
] as const;

describe('isRefusedAddress', () => {
  it.each(NOT_PUBLIC)('refuses %s: %s to %s', (_name, first, last) => {
    expect([first, last].map((address) => isRefusedAddress(address, STRICT))).toEqual([true, true]);
  });

  it.each(['1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.1', '169.253.255.255', '172.15.255.255', '172.32.0.0', '192.167.255.255', '192.169.0.0', '223.255.255.255', '2606:4700:4700::1111', '2a00:1450:4001:82a::200e', '2400:cb00::1'])(
    'lets %s be',
    (address) => {
      expect(isRefusedAddress(address, STRICT)).toBe(false);
    },
  );

  it.each(['', 'localhost', 'example.com', '1.2.3', '256.1.1.1', '::g', '127.0.0.1:80'])('refuses %s, which is no address', (address) => {
    expect(isRefusedAddress(address, SANDBOX)).toBe(true);
  });

  it('lets a developer have this machine and its network, and nothing else', () => {
    const allowed = NOT_PUBLIC.filter(([, first, last]) => !isRefusedAddress(first, SANDBOX) && !isRefusedAddress(last, SANDBOX)).map(([name]) => name);
    expect(allowed).toEqual(['private 10/8', 'loopback', 'private 172.16/12', 'private 192.168/16', 'loopback v6', 'unique local']);
    expect(isRefusedAddress('169.254.169.254', SANDBOX)).toBe(true);
  });
});

describe('urlRefusal', () => {
  it.each([
    ['https://shop.example.com/hooks?shop=1', null],
    ['https://shop.example.com:8443/', null],
    ['https://8.8.8.8/', null],
    ['https://[2606:4700:4700::1111]/', null],
    ['http://shop.example.com/', 'scheme'],
    ['ftp://shop.example.com/', 'scheme'],
    ['file:///etc/passwd', 'scheme'],
    ['shop.example.com', 'malformed'],
    ['https://', 'malformed'],
    ['https://shop.example.com/#part', 'malformed'],
    ['https://user:pw@shop.example.com/', 'credentials'],
    ['https://user@shop.example.com/', 'credentials'],
    ['https://shop.example.com:22/', 'port'],
    ['https://shop.example.com:25/', 'port'],
    ['https://localhost/', 'private-address'],
    ['https://localhost./', 'private-address'],
    ['https://LOCALHOST:8443/', 'private-address'],
    ['https://api.localhost/', 'private-address'],
    ['https://127.0.0.1/', 'private-address'],
    ['https://127.1/', 'private-address'],
    ['https://127.0.0.1./', 'private-address'],
    ['https://2130706433/', 'private-address'],
    ['https://0x7f000001/', 'private-address'],
    ['https://0177.0.0.1/', 'private-address'],
    ['https://①②⑦.0.0.1/', 'private-address'],
    ['https://[::1]/', 'private-address'],
    ['https://[::ffff:127.0.0.1]/', 'private-address'],
    ['https://169.254.169.254/latest/meta-data', 'private-address'],
    ['https://10.0.0.7/', 'private-address'],
  ])('says of %s: %s', (url, refusal) => {
    expect(urlRefusal(url, STRICT)).toBe(refusal);
  });

  it('refuses one too long to be stored', () => {
    expect(urlRefusal(`https://shop.example.com/${'x'.repeat(2_048)}`, STRICT)).toBe('malformed');
  });

  it('lets a developer receive on his own machine', () => {
    for (const url of ['http://localhost:4000/hook', 'http://127.0.0.1:4000/hook', 'http://[::1]:4000/', 'https://192.168.1.20/']) expect(urlRefusal(url, SANDBOX)).toBeNull();
    expect(urlRefusal('http://169.254.169.254/', SANDBOX)).toBe('private-address');
    expect(urlRefusal('http://localhost:22/', SANDBOX)).toBe('port');
  });

  it('is thrown with the field it is about; a good one comes back in its normal form', () => {
    expect(() => parseWebhookUrl('http://example.com', STRICT)).toThrow(expect.objectContaining({ code: 'VALIDATION_FAILED', parameters: { field: 'url', reason: 'scheme' } }));
    expect(parseWebhookUrl('HTTPS://Shop.Example.COM:443/a/../b', STRICT)).toBe('https://shop.example.com/b');
  });
});
