import { Type, type Static } from 'typebox';
import { NETWORK_NAMES } from '../../domain/networks.ts';
import { nullable, oneOf } from './nullable.ts';

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
  { $id: 'Asset' },
);
export type AssetView = Static<typeof AssetSchema>;

export const AssetListSchema = Type.Object({ items: Type.Array(Type.Ref('Asset')), nextCursor: nullable(Type.String()) });
