import { expect, it } from 'vitest';
import { parsePort } from './port.ts';

it.each([['0', 0], ['1', 1], ['8080', 8080], ['65535', 65_535]])('reads %s', (text, port) => {
  expect(parsePort('PORT', text)).toBe(port);
});

it.each(['', ' ', ' 80', '8O80', '-1', '1.5', '1e3', '0x50', '65536', '080808', '٣'])('refuses "%s" in one line', (text) => {
  expect(() => parsePort('PORT', text)).toThrow(`PORT must be a port from 0 to 65535 (0: any free port), but is "${text}".`);
});

it('refuses 0 where a port of its own is needed', () => {
  expect(parsePort('CHAIN_PORT', '1', 1)).toBe(1);
  expect(() => parsePort('CHAIN_PORT', '0', 1)).toThrow('CHAIN_PORT must be a port from 1 to 65535, but is "0".');
});
