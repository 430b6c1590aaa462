import type { Redis } from 'ioredis';
import { assertPayable, type Address } from '../domain/address.ts';
import { EngineError } from '../domain/errors.ts';
import { quoteFees, whyNoQuote, type Fees } from '../domain/fees.ts';
import { judgeFunds } from '../domain/funds.ts';
import type { Settings } from '../domain/settings.ts';
import { isEnd } from '../domain/status.ts';
import type { Database } from '../db/client.ts';
import type { CrashPoint } from '../db/crash-point.ts';
import { resolveAlert } from '../db/repositories/alerts.ts';
import { findAsset } from '../db/repositories/assets.ts';
import { getFunds, holdFunds, listReserved } from '../db/repositories/funds.ts';
import { listWallets, lockWallet, type WalletRow } from '../db/repositories/wallets.ts';
import { getWithdrawal, lockWithdrawal, moveTo, setWithdrawal, type WithdrawalRow } from '../db/repositories/withdrawals.ts';
import { appendEvent } from '../db/repositories/events.ts';
import { transact } from '../db/transact.ts';
import { readBalances } from './chain/balances.ts';
import { createDecimalsCheck } from './chain/decimals-check.ts';
import { paymentCall, rehearsePayment, TRANSACTION_GAS_MAX } from './chain/erc20.ts';
import { feeLimitsOf, readFeeMarket } from './chain/fee-oracle.ts';
import type { Rpc } from './chain/rpc.ts';
import { assertTakesPayments, chooseWallets } from './choose-wallets.ts';
import { moneyActivity, type ActivityLog } from './failure.ts';

export interface ReserveFundsPorts {
  db: Database;
  redis: Redis;
  rpc: Rpc;
  settings: Settings;
  crashPoint: CrashPoint;
  log: ActivityLog;
}

export interface ReserveFundsInput {
  requestId: string;
  /** a person said "retry": only then is a parked withdrawal taken up again */
  retried?: boolean;
}

export type FundsResult =
  | { kind: 'reserved'; walletAddress: string }
  /** it waits for a person, and none has said "retry" */
  | { kind: 'parked' }
  /** no wallet can pay now; wait `waitMs` in all before giving up */
  | { kind: 'short'; missing: 'token' | 'gas'; waitMs: number };

/**
 * Validates and screens the request, binds it to a wallet and holds amount and gas, in one transaction that holds the
 * wallet's row, so that two sums cannot both pass.
 *
 * Called twice: the reservation stands, nothing is held again. Dies in the middle: nothing was held. Throws the permanent
 * codes of validation, `TRANSFER_REFUSED` when the payment would revert, `GAS_COST_EXCEEDED` when its gas could never be
 * paid within the settings, and transient codes while the market is above them; nothing is held then.
 */
export function makeReserveFunds(ports: ReserveFundsPorts) {
  const { db, settings } = ports;
  const checkDecimals = createDecimalsCheck(ports.rpc);

  return moneyActivity('reserveFunds', ports.log, async ({ requestId, retried = false }: ReserveFundsInput): Promise<FundsResult> => {
    const request = await getWithdrawal(db, requestId);
    if (request.status === 'DEAD_LETTERED') {
      if (!retried) return { kind: 'parked' };
      await takeUpAgain(requestId);
    }
    const existing = await getFunds(db, requestId);
    if (existing) return { kind: 'reserved', walletAddress: existing.walletAddress };
    if (isEnd(request.status)) throw new EngineError('INVALID_STATE', { status: request.status });

    const wallets = await listWallets(db, request.chainId);
    await validate(request, wallets);
    let missing: 'token' | 'gas' = 'token';
    for (const wallet of await chooseWallets(ports, request, wallets)) {
      const verdict = await tryWallet(request, wallet.address as Address);
      if (verdict === 'held') {
        ports.crashPoint('funds-reserved');
        return { kind: 'reserved', walletAddress: wallet.address };
      }
      missing = verdict;
    }
    await transact(db, async (tx) => {
      await lockWithdrawal(tx, requestId);
      await moveTo(tx, requestId, 'AWAITING_FUNDS', 'waiting for funds', { detail: { missing } });
    });
    return { kind: 'short', missing, waitMs: settings.fundsWaitMs };
  });

  /** A person's retry: from here on it is no longer parked, and may be given a nonce. */
  async function takeUpAgain(requestId: string): Promise<void> {
    await transact(db, async (tx) => {
      const { status, paidTxHash, hasLivePayment } = await lockWithdrawal(tx, requestId);
      // A nonce whose bytes are still out goes on where it stands; the chain rules on it first.
      const from = hasLivePayment ? 'BROADCASTED' : 'PENDING';
      if (status === 'DEAD_LETTERED' && paidTxHash === null) await moveTo(tx, requestId, from, 'taken up again', { set: { errorCode: null, errorMessage: null } });
      await resolveAlert(tx, 'WITHDRAWAL_PARKED', requestId);
    });
  }

  async function validate(request: WithdrawalRow, wallets: readonly WalletRow[]): Promise<void> {
    if (request.chainId !== settings.chain.chainId) throw new EngineError('UNSUPPORTED_NETWORK', { network: request.network });
    const asset = await findAsset(db, request.network, request.currency);
    if (!asset?.enabled || asset.tokenAddress !== request.tokenAddress) throw new EngineError('UNSUPPORTED_CURRENCY', { currency: request.currency });
    if (asset.decimals !== request.decimals) throw new EngineError('UNSUPPORTED_CURRENCY', { currency: request.currency, reason: 'its decimals have changed' });
    await checkDecimals({ currency: asset.currency, tokenAddress: asset.tokenAddress as Address | null, decimals: asset.decimals });
    if (request.amount > asset.maxAmount) throw new EngineError('LIMIT_EXCEEDED', { limit: 'per-transaction' });
    assertPayable(request.toAddress as Address, { tokenAddress: request.tokenAddress, ownWallets: wallets.map(({ address }) => address) });
  }

  /** Nothing is held at a price that could not be signed: a gas-hungry token is for a person, a dear market is waited out. */
  async function quoteFor(gasLimit: bigint): Promise<Fees> {
    const market = await readFeeMarket(ports);
    const limits = feeLimitsOf(settings.chain, gasLimit);
    const fees = quoteFees(market, limits);
    if (fees) return fees;
    if (whyNoQuote(limits) === 'gas-limit') throw new EngineError('GAS_COST_EXCEEDED', { gasLimit: gasLimit.toString(), maximumGasCostWei: settings.chain.maximumGasCostWei });
    throw new EngineError('CHAIN_UNAVAILABLE', { reason: `the base fee of ${market.baseFeePerGas} wei is above what may be paid` });
  }

  async function tryWallet(request: WithdrawalRow, walletAddress: Address): Promise<'held' | 'token' | 'gas'> {
    const tokenAddress = request.tokenAddress as Address | null;
    const toAddress = request.toAddress as Address;
    const balances = await readBalances({ rpc: ports.rpc, redis: ports.redis, settings: settings.chain }, walletAddress, tokenAddress);
    if (balances.token < request.amount) return 'token';
    const gas = await rehearsePayment(ports.rpc, walletAddress, paymentCall({ tokenAddress, toAddress, amount: request.amount }));
    const gasLimit = atMost((gas * BigInt(100 + settings.chain.gasLimitMarginPercent)) / 100n, TRANSACTION_GAS_MAX);
    const fees = await quoteFor(gasLimit);
    const wanted = { tokenAddress, amount: request.amount, gasWei: gasLimit * fees.maxFeePerGas };

    return transact(db, async (tx) => {
      const { status } = await lockWithdrawal(tx, request.requestId);
      // Ended while this one read the chain: what is held now would never be released.
      if (isEnd(status)) throw new EngineError('INVALID_STATE', { status });
      assertTakesPayments(await lockWallet(tx, request.chainId, walletAddress));
      // Another run of this activity may have held the funds while this one read the chain.
      if (await getFunds(tx, request.requestId)) return 'held';
      const verdict = judgeFunds(balances, await listReserved(tx, request.chainId, walletAddress, balances.block), wanted);
      if (!verdict.sufficient) return verdict.missing;
      await holdFunds(tx, { requestId: request.requestId, chainId: request.chainId, walletAddress, gasLimit, ...wanted });
      await setWithdrawal(tx, request.requestId, { walletAddress, errorCode: null, errorMessage: null });
      await appendEvent(tx, { requestId: request.requestId, type: 'funds reserved', detail: { wallet: walletAddress, gasLimit: gasLimit.toString(), gasWei: wanted.gasWei.toString() } });
      return 'held';
    });
  }
}

const atMost = (value: bigint, bound: bigint): bigint => (value < bound ? value : bound);
