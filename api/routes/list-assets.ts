import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Database } from '../../db/client.ts';
import { listEnabledAssets, type Asset } from '../../db/repositories/assets.ts';
import { parseAddress } from '../../domain/address.ts';
import { formatAmount } from '../../domain/money.ts';
import type { Network } from '../../domain/networks.ts';
import { AssetListSchema, type AssetView } from '../schemas/asset.ts';

function assetView(asset: Asset, network: Network): AssetView {
  return {
    currency: asset.currency,
    network,
    chainId: asset.chainId,
    tokenAddress: asset.tokenAddress === null ? null : parseAddress(asset.tokenAddress),
    decimals: asset.decimals,
    minAmount: formatAmount(asset.minAmount, asset.decimals),
    maxAmount: formatAmount(asset.maxAmount, asset.decimals),
    enabled: asset.enabled,
  };
}

/** `GET /assets`: what can be withdrawn here. Open to anyone; never more than one page. */
export const listAssets: FastifyPluginAsyncTypebox<{ database: Database; network: Network }> = async (app, { database, network }) => {
  app.get(
    '/assets',
    {
      schema: { tags: ['assets'], summary: 'What can be withdrawn', response: { 200: AssetListSchema } },
      config: { access: { who: 'anyone' } },
    },
    async () => ({ items: (await listEnabledAssets(database, network)).map((asset) => assetView(asset, network)), nextCursor: null }),
  );
};
