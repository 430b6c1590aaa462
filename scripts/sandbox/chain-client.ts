import { HDNodeWallet, JsonRpcProvider, Mnemonic } from 'ethers';

/** anvil's published development phrase: its accounts exist on test chains only. */
const DEVELOPMENT_PHRASE = 'test test test test test test test test test test test junk';

/** Pays for contracts and funds; the last of anvil's ten accounts, so that people may use the others freely. */
const TREASURY_INDEX = 9;

/** A client of the embedded chain. The caller destroys it. */
export function chainClient(rpcUrl: string, chainId: number): JsonRpcProvider {
  return new JsonRpcProvider(rpcUrl, chainId, { staticNetwork: true, batchMaxCount: 1, pollingInterval: 250 });
}

export function treasury(provider: JsonRpcProvider): HDNodeWallet {
  const phrase = Mnemonic.fromPhrase(DEVELOPMENT_PHRASE);
  return HDNodeWallet.fromMnemonic(phrase, `m/44'/60'/0'/0/${TREASURY_INDEX}`).connect(provider);
}
