import { expect, it } from 'vitest';
import { isAddressRange } from './address-range.ts';

it.each([
  ['10.0.0.0/8', true], ['192.0.2.7', true], ['192.0.2.7/32', true], ['2001:db8::/32', true], ['::1', true],
  ['0.0.0.0/0', false], ['::/0', false], ['10.0.0.0/33', false], ['127.1/8', false], ['fe80::1%eth0', false], ['10.0.0', false], ['example.com', false], ['', false], ['10.0.0.0/8 ', false], ['loopback', false],
])('isAddressRange: %s is %s', (text, is) => {
  expect(isAddressRange(text)).toBe(is);
});
