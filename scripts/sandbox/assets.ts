import type { SandboxContractName } from '../../activities/chain/contracts/compile.ts';
import type { Database } from '../../db/client.ts';
import { assets } from '../../db/schema/index.ts';
import { parseAddress, type Address } from '../../domain/address.ts';
import { parseAmount } from '../../domain/money.ts';
import { NETWORKS } from '../../domain/networks.ts';
import type { Settings } from '../../domain/settings.ts';
import type { TokenAddresses } from './chain-file.ts';

/** An asset as the API shows it. Amounts are decimal strings in token units. */
export interface AssetView {
  readonly currency: string;
  readonly network: string;
  readonly chainId: number;
  readonly tokenAddress: string | null;
  readonly decimals: number;
  readonly minAmount: string;
  readonly maxAmount: string;
  readonly enabled: boolean;
}

const SANDBOX_TOKENS: Readonly<Record<string, SandboxContractName>> = { USDC: 'TestUSDC', USDT: 'TestUSDT' };

/**
 * Writes the settings' assets into the registry, as they stand: a changed settings file changes the rows at the next
 * start. Token addresses are the settings' own, or else those of the tokens deployed on the embedded chain.
 */
export async function ensureAssets(db: Database, settings: Settings, tokens: TokenAddresses | undefined): Promise<AssetView[]> {
  const { network } = settings.chain;
  const { chainId } = settings.chain;
  const views: AssetView[] = [];
  for (const asset of settings.assets) {
    const tokenAddress = addressOf(asset, NETWORKS[network].nativeCurrency, tokens);
    const row = {
      network,
      currency: asset.currency,
      chainId,
      tokenAddress,
      decimals: asset.decimals,
      minAmount: parseAmount(asset.minAmount, asset.decimals),
      maxAmount: parseAmount(asset.maxAmount, asset.decimals),
      enabled: true,
    };
    await db.insert(assets).values(row).onDuplicateKeyUpdate({ set: row });
    views.push({ ...row, minAmount: asset.minAmount, maxAmount: asset.maxAmount });
  }
  return views;
}

/**
 * Settings without the assets that have an address on the embedded chain only, and their names. For the settings that come with the
 * project on a chain of the user's own; in settings of the user's own such an asset is a mistake.
 */
export function withoutSandboxTokens(settings: Settings): { settings: Settings; leftOut: string[] } {
  const native = NETWORKS[settings.chain.network].nativeCurrency;
  const hasPlace = ({ tokenAddress, currency }: Settings['assets'][number]): boolean => tokenAddress !== undefined || currency === native;
  return { settings: { ...settings, assets: settings.assets.filter(hasPlace) }, leftOut: settings.assets.filter((asset) => !hasPlace(asset)).map(({ currency }) => currency) };
}

function addressOf(asset: Settings['assets'][number], nativeCurrency: string, tokens: TokenAddresses | undefined): Address | null {
  if (asset.tokenAddress !== undefined) return parseAddress(asset.tokenAddress);
  if (asset.currency === nativeCurrency) return null;
  const contract = SANDBOX_TOKENS[asset.currency];
  if (tokens === undefined || contract === undefined) throw new Error(`The settings give no tokenAddress for ${asset.currency}: add it to the asset, or take the asset out.`);
  return parseAddress(tokens[contract]);
}
