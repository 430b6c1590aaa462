import { Type, type Static } from 'typebox';
import { NETWORK_NAMES } from '../../domain/networks.ts';
import { nullable, oneOf } from './nullable.ts';

const assetExample = { currency: 'USDC', network: 'polygon-amoy', chainId: 80002, tokenAddress: '0x5FbDB2315678afecb367f032d93F642f64180aa3', decimals: 6, minAmount: '0.01', maxAmount: '999.999999', enabled: true };

export const AssetSchema = Type.Object(
  {
    currency: Type.String({ examples: ['USDC'] }),
    network: oneOf(NETWORK_NAMES),
    chainId: Type.Integer({ examples: [80002] }),
    tokenAddress: nullable(Type.String({ description: 'EIP-55; null for the native coin' })),
    decimals: Type.Integer({ examples: [6] }),
    minAmount: Type.String({ description: 'Smallest amount of one withdrawal, in token units', examples: ['0.01'] }),
    maxAmount: Type.String({ description: 'Largest amount of one withdrawal, in token units', examples: ['999.999999'] }),
    enabled: Type.Boolean(),
  },
  { $id: 'Asset', examples: [assetExample] },
);
export type AssetView = Static<typeof AssetSchema>;

export const AssetListSchema = Type.Object(
  { items: Type.Array(Type.Unsafe<AssetView>(Type.Ref('Asset'))), nextCursor: nullable(Type.String()) },
  { $id: 'AssetList', examples: [{ items: [assetExample], nextCursor: null }] },
);
