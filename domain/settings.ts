import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { NETWORK_NAMES, type Network } from './networks.ts';

const wei = Type.String({ pattern: '^[0-9]{1,30}$' });
const tokenUnits = Type.String({ pattern: '^[0-9]{1,30}(\\.[0-9]{1,18})?$' });

/** The one file an operator edits. Amounts are decimal strings: token units for assets, wei for fees. */
const SettingsSchema = Type.Object(
  {
    chain: Type.Object(
      {
        network: Type.Unsafe<Network>(Type.Union(NETWORK_NAMES.map((name) => Type.Literal(name)))),
        chainId: Type.Integer({ minimum: 1 }),
        blockTimeMs: Type.Integer({ minimum: 100 }),
        /** `tag`: the chain's own `finalized` block; `depth`: that many blocks below the head */
        finality: Type.Object({ mode: Type.Union([Type.Literal('tag'), Type.Literal('depth')]), depth: Type.Integer({ minimum: 1 }) }, { additionalProperties: false }),
        explorerUrl: Type.String(),
        minimumTipWei: wei,
        maximumFeePerGasWei: wei,
        /** added to every gas estimate */
        gasLimitMarginPercent: Type.Integer({ minimum: 0, maximum: 300 }),
        /** unmined nonces a wallet may hold */
        inFlightWindow: Type.Integer({ minimum: 1, maximum: 1000 }),
        /** unmined for this many blocks, the lowest nonce of its wallet is replaced at a higher fee */
        stuckAfterBlocks: Type.Integer({ minimum: 1 }),
      },
      { additionalProperties: false },
    ),
    assets: Type.Array(
      Type.Object(
        {
          currency: Type.String({ pattern: '^[A-Z0-9]{2,16}$' }),
          decimals: Type.Integer({ minimum: 0, maximum: 36 }),
          minAmount: tokenUnits,
          maxAmount: tokenUnits,
          /** absent for the native coin, and in the sandbox, which deploys its own tokens */
          tokenAddress: Type.Optional(Type.String({ pattern: '^0x[0-9a-fA-F]{40}$' })),
        },
        { additionalProperties: false },
      ),
      { minItems: 1 },
    ),
    /** how long a withdrawal waits for its wallet to be funded before it fails */
    fundsWaitMs: Type.Integer({ minimum: 0 }),
    rateLimits: Type.Object({ requestsPerSecond: Type.Integer({ minimum: 1 }), signInPerMinute: Type.Integer({ minimum: 1 }) }, { additionalProperties: false }),
  },
  { additionalProperties: false },
);
export type Settings = Static<typeof SettingsSchema>;
export type ChainSettings = Settings['chain'];

/** Reads a settings file's text. Throws one line naming the first wrong field. */
export function parseSettings(text: string, fileName: string): Settings {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${fileName} is not valid JSON: correct it and start again.`, { cause: error });
  }
  const [first] = Value.Errors(SettingsSchema, value);
  if (first) throw new Error(`${fileName}: ${first.instancePath || '/'} ${first.message}.`);
  return value as Settings;
}
