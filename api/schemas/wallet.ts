import { Type, type Static } from 'typebox';
import { ALERT_KINDS } from '../../domain/alerts.ts';
import { NETWORK_NAMES } from '../../domain/networks.ts';
import { WALLET_STATUSES } from '../../domain/status.ts';
import { nullable, oneOf } from './nullable.ts';
import { LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX } from './withdrawal.ts';

const time = Type.String({ format: 'date-time', examples: ['2026-11-24T04:20:00.000Z'] });
const amount = (description: string) => Type.String({ description, examples: ['1250.5'] });

const BalanceSchema = Type.Object({
  currency: Type.String({ examples: ['USDC'] }),
  tokenAddress: nullable(Type.String({ description: 'EIP-55; null for the native coin' })),
  balance: amount('Token units, on the chain at `block`'),
  reserved: amount('Token units promised and not yet in `balance`; for the native coin with the gas'),
  available: amount('balance − reserved; below zero where more is owed than is there'),
  spendPerHour: amount('Token units, at the present rate'),
  hoursLeft: Type.Union([Type.Number(), Type.Null()], { description: 'Until `available` is spent at that rate; null while nothing is spent', examples: [31.25] }),
  block: Type.Integer({ examples: [1207] }),
  seenAt: time,
});

const AlertSchema = Type.Object({
  kind: oneOf(ALERT_KINDS),
  subject: Type.String({ description: 'The wallet, or what of it' }),
  detail: Type.Unsafe<Record<string, string | number | null>>({ type: 'object', additionalProperties: { type: ['string', 'number', 'null'] } }),
  raisedAt: time,
});

const walletExample = {
  address: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
  network: 'polygon-amoy',
  chainId: 80002,
  status: 'DRAINING',
  statusReason: 'drain by account 1: key rotation',
  drained: false,
  balances: [
    { currency: 'POL', tokenAddress: null, balance: '99.25', reserved: '0.25', available: '99', spendPerHour: '0.5', hoursLeft: 198, block: 1207, seenAt: '2026-11-24T04:20:00.000Z' },
    { currency: 'USDC', tokenAddress: '0x5FbDB2315678afecb367f032d93F642f64180aa3', balance: '5000', reserved: '12.5', available: '4987.5', spendPerHour: '1000', hoursLeft: 4.98, block: 1207, seenAt: '2026-11-24T04:20:00.000Z' },
  ],
  nonces: { latest: 41, pending: 42, next: 42, gaps: [] },
  window: { used: 1, size: 64 },
  reservations: 1,
  openAlerts: [{ kind: 'TOKEN_RUNNING_OUT', subject: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 USDC', detail: { hoursLeft: 4.98 }, raisedAt: '2026-11-24T04:18:00.000Z' }],
  seenAt: '2026-11-24T04:20:00.000Z',
};

export const HotWalletSchema = Type.Object(
  {
    address: Type.String({ description: 'EIP-55' }),
    network: oneOf(NETWORK_NAMES),
    chainId: Type.Integer(),
    status: oneOf(WALLET_STATUSES, { description: 'ACTIVE takes withdrawals. DRAINING pays what it is bound to and takes nothing new. PAUSED signs nothing new. HALTED signs and sends nothing.' }),
    statusReason: nullable(Type.String({ description: 'Who or what put it there, and why' })),
    drained: Type.Boolean({ description: 'It is DRAINING, nothing is reserved in it and no nonce of it is open: the rest may be swept by a declared movement' }),
    balances: Type.Array(BalanceSchema, { description: 'The native coin first; empty until a worker has looked' }),
    nonces: Type.Object({
      latest: nullable(Type.Integer({ description: "The chain's transaction count when it was last looked at" })),
      pending: nullable(Type.Integer({ description: 'The same with what waits in the pool' })),
      next: nullable(Type.Integer({ description: 'The first nonce never given out; null before the first' })),
      gaps: Type.Array(Type.Integer(), { description: 'Unmined nonces below `next` that nobody holds' }),
    }),
    window: Type.Object({ used: Type.Integer({ description: 'Nonces held unmined, and withdrawals in line for one, counted up to another window' }), size: Type.Integer() }, { description: 'The in-flight window' }),
    reservations: Type.Integer({ description: 'Withdrawals bound to it that have not ended' }),
    openAlerts: Type.Array(AlertSchema, { description: 'Newest first' }),
    seenAt: nullable({ ...time, description: 'When the chain was last looked at: what is shown of it is that old' }),
  },
  { $id: 'HotWallet', examples: [walletExample] },
);
export type HotWalletView = Static<typeof HotWalletSchema>;

export const HotWalletListSchema = Type.Object({ items: Type.Array(Type.Unsafe<HotWalletView>(Type.Ref('HotWallet'))), nextCursor: nullable(Type.String()) }, { $id: 'HotWalletList', examples: [{ items: [walletExample], nextCursor: null }] });

export const PageQuery = {
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'nextCursor of the page before' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIST_LIMIT_MAX, default: LIST_LIMIT_DEFAULT })),
};
export const HotWalletListQuery = Type.Object(PageQuery, { additionalProperties: false });

/** A sentence a person wrote: kept with what was done. */
export const reasonField = (description: string) => Type.String({ minLength: 1, maxLength: 200, pattern: '\\S', description, examples: ['key rotation'] });

export const WalletMoveSchema = Type.Object({ reason: reasonField('Why; for `resume`: what was looked into') }, { additionalProperties: false, $id: 'WalletMove', examples: [{ reason: 'key rotation' }] });
export const WalletAddressParams = Type.Object({ address: Type.String({ pattern: '^0x[0-9a-fA-F]{40}$', examples: ['0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'] }) });
