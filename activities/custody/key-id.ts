import { parseAddress, type Address } from '../../domain/address.ts';

const PREFIX = 'withdrawal-engine';

/** Where the keys of a chain are kept: the start of their names. */
export function keyIdPrefix(chainId: number): string {
  return `${PREFIX}/${chainId}/`;
}

/** The name of a wallet's secret: `withdrawal-engine/{chainId}/{address in lower case}`. The same wallet, the same name. */
export function keyIdOf(chainId: number, address: string): string {
  return `${keyIdPrefix(chainId)}${address.toLowerCase()}`;
}

/** The address a key id of this chain names. @throws EngineError `INVALID_ADDRESS` where it names none */
export function addressOfKeyId(chainId: number, keyId: string): Address {
  return parseAddress(keyId.slice(keyIdPrefix(chainId).length));
}
