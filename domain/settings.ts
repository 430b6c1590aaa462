import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { parsePolicy, PolicySchema } from './policy.ts';
import { isBoundedNetwork } from './ip-network.ts';
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
        /** above `feeCapThresholdWei` no fee passes this many times today's quote */
        feeCapMultiple: Type.Integer({ minimum: 2, maximum: 100 }),
        /** wei per gas; below it the multiple does not hold */
        feeCapThresholdWei: wei,
        /** what the gas of one withdrawal may cost at most, wei */
        maximumGasCostWei: wei,
        /** added to every gas estimate */
        gasLimitMarginPercent: Type.Integer({ minimum: 0, maximum: 300 }),
        /** unmined nonces a wallet may hold */
        inFlightWindow: Type.Integer({ minimum: 1, maximum: 1000 }),
        /** unmined for this many blocks, the lowest nonce of its wallet is replaced at a higher fee */
        stuckAfterBlocks: Type.Integer({ minimum: 1 }),
        /** each hot wallet's guardian */
        guardian: Type.Object(
          {
            everyMs: Type.Integer({ minimum: 100 }),
            /** a wallet with less is paused until it has this much again, wei */
            gasLowWei: wei,
            /** the lowest unmined nonce stood still for this many blocks: a person is called */
            headOfLineBlocks: Type.Integer({ minimum: 1 }),
          },
          { additionalProperties: false },
        ),
        /** when one of several endpoints is left out */
        endpoints: Type.Object(
          {
            /** its head may be this many blocks behind the best */
            lagBlocksMax: Type.Integer({ minimum: 1 }),
            timeoutMs: Type.Integer({ minimum: 100 }),
          },
          { additionalProperties: false },
        ),
        /** how often the chain is held against the books */
        reconcileEveryMs: Type.Integer({ minimum: 1_000 }),
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
    /** the first version of the policy; later ones are proposed and approved over HTTP */
    policy: PolicySchema,
    deadLetters: Type.Object(
      {
        /** people are reminded when nobody has answered for so long; the last pause again and again */
        escalateAfterMs: Type.Array(Type.Integer({ minimum: 1_000 }), { minItems: 1, maxItems: 10 }),
      },
      { additionalProperties: false },
    ),
    /** how long the hot wallets' money lasts */
    treasury: Type.Object(
      {
        /** how often the wallets are looked at */
        everyMs: Type.Integer({ minimum: 1_000 }),
        /** a person is called when what is there lasts for fewer hours than this */
        alertHours: Type.Integer({ minimum: 1, maximum: 720 }),
        /** hours looked back on for the rate of spending, give or take ten minutes; the fastest counts */
        rateWindowsHours: Type.Array(Type.Integer({ minimum: 1, maximum: 168 }), { minItems: 1, maxItems: 4 }),
      },
      { additionalProperties: false },
    ),
    /** notifications to receivers */
    webhooks: Type.Object(
      {
        /** for receivers on a developer's own machine: plain HTTP, and addresses of this machine and its network */
        allowHttp: Type.Boolean(),
        allowPrivateAddresses: Type.Boolean(),
        endpointsPerOwnerMax: Type.Integer({ minimum: 1, maximum: 100 }),
        /** from the first byte sent to the answer's status */
        timeoutMs: Type.Integer({ minimum: 100, maximum: 20_000 }),
        /** between one failed attempt and the next; one attempt more than waits is made */
        retryWaitsSeconds: Type.Array(Type.Number({ minimum: 0.01, maximum: 604_800 }), { maxItems: 20 }),
        /** an endpoint that has not answered for this long is switched off when a message to it is given up */
        switchOffAfterHours: Type.Number({ minimum: 0 }),
        /** how long messages are also signed with the secret before */
        secretOverlapHours: Type.Number({ minimum: 0, maximum: 168 }),
        /** how long messages that have ended are kept */
        keepDays: Type.Integer({ minimum: 1 }),
      },
      { additionalProperties: false },
    ),
    accounts: Type.Object(
      {
        /** whether anyone may open a USER account over HTTP; `closed`: people of the operator do */
        registration: Type.Union([Type.Literal('open'), Type.Literal('closed')]),
        /** whether what operators decide and change asks for a second factor; it does where the file says nothing */
        secondFactorRequired: Type.Boolean({ default: true }),
      },
      { additionalProperties: false },
    ),
    api: Type.Object(
      {
        /** load balancers whose `X-Forwarded-For` is believed, as addresses or CIDR ranges; `TRUSTED_PROXIES` of the environment takes its place */
        trustedProxies: Type.Array(Type.String(), { maxItems: 100 }),
        /** web pages that browsers let call the API, each as scheme, host and port */
        corsOrigins: Type.Array(Type.String({ pattern: '^https?://(?:[a-z0-9.-]+|\\[[0-9a-f:.]+\\])(?::[0-9]{1,5})?$' }), { maxItems: 100 }),
      },
      { additionalProperties: false },
    ),
    rateLimits: Type.Object(
      {
        /** for an account, and for an address: an IPv4 address, or the /64 of an IPv6 one */
        requestsPerSecond: Type.Integer({ minimum: 1 }),
        /** for an API key, beside its owner's */
        keyRequestsPerSecond: Type.Integer({ minimum: 1 }),
        /** where secrets can be tried, for an address and for an account */
        signInPerMinute: Type.Integer({ minimum: 1 }),
        /** requests a second for an account (where nobody signs in: an address) and one route more tightly, as `"POST /withdrawals": 20` */
        routes: Type.Record(Type.String(), Type.Integer({ minimum: 1 })),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);
export type Settings = Static<typeof SettingsSchema>;
export type ChainSettings = Settings['chain'];
export type WebhookSettings = Settings['webhooks'];

/** Reads a settings file's text; fields with a default may be left out. Throws one line naming the first wrong field. */
export function parseSettings(text: string, fileName: string): Settings {
  let value: unknown;
  try {
    value = Value.Default(SettingsSchema, JSON.parse(text));
  } catch (error) {
    throw new Error(`${fileName} is not valid JSON: correct it and start again.`, { cause: error });
  }
  const [first] = Value.Errors(SettingsSchema, value);
  if (first) throw new Error(`${fileName}: ${first.instancePath || '/'} ${first.message}.`);
  const settings = value as Settings;
  const wrong = settings.api.trustedProxies.findIndex((range) => !isBoundedNetwork(range));
  if (wrong !== -1) throw new Error(`${fileName}: /api/trustedProxies/${wrong} must be an address or a CIDR range.`);
  try {
    parsePolicy(settings.policy);
  } catch (error) {
    throw new Error(`${fileName}: /policy ${error instanceof Error ? error.message : String(error)}.`, { cause: error });
  }
  return settings;
}
