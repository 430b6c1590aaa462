import type { Redis } from 'ioredis';
import { assertPayable, type Address } from '../domain/address.ts';
import { EngineError } from '../domain/errors.ts';
import type { DenialCode } from '../domain/policy.ts';
import { quoteFees, whyNoQuote, type Fees } from '../domain/fees.ts';
import { judgeFunds } from '../domain/funds.ts';
import type { Settings } from '../domain/settings.ts';
import { isEnd } from '../domain/status.ts';
import type { Database, Transaction } from '../db/client.ts';
import type { CrashPoint } from '../db/crash-point.ts';
import { findOpenDeadLetter, resolveDeadLetter } from '../db/repositories/operations/dead-letters.ts';
import { findAsset } from '../db/repositories/assets.ts';
import { getFunds, holdFunds, listReserved } from '../db/repositories/payments/funds.ts';
import { refuseHalted, splitByHalts } from '../db/repositories/operations/halts.ts';
import { lockLivePolicy } from '../db/repositories/policy/policies.ts';
import { awaitsApproval, findDecision } from '../db/repositories/policy/policy-decisions.ts';
import { readStandingFacts } from '../db/repositories/policy/policy-facts.ts';
import { listWallets, lockWallet, type WalletRow } from '../db/repositories/wallets/wallets.ts';
import { getWithdrawal, isClaimedPaid, lockWithdrawal, moveTo, resolveCalls, setWithdrawal, type WithdrawalRow } from '../db/repositories/withdrawals/withdrawals.ts';
import { appendEvent } from '../db/repositories/withdrawals/events.ts';
import { transact } from '../db/transact.ts';
import { admit, findDenial } from './admit.ts';
import { readBalances, readBalancesNow, type BalancesAtBlock } from './chain/balances.ts';
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
  /** the dead letters that a person answered with "retry", or true for whichever it waits by: only then is a parked withdrawal taken up again */
  retried?: boolean | readonly number[];
}

export type FundsResult =
  | { kind: 'reserved'; walletAddress: string; awaitsApproval: boolean }
  /** the policy does not let it pass: nothing is held */
  | { kind: 'denied'; code: DenialCode; rule: string }
  /** it waits for a person, and none has said "retry" */
  | { kind: 'parked' }
  /** no wallet can pay now; wait `waitMs` in all before giving up */
  | { kind: 'short'; missing: 'token' | 'gas'; waitMs: number };

type Judged = Exclude<FundsResult, { kind: 'parked' | 'short' }>;
type Attempt = Judged | 'token' | 'gas';

/**
 * Validates and screens the request, judges it by the policy, binds it to a wallet, and holds amount, gas and limits, in one
 * transaction that holds the rows of the live policy and of the wallet, so that no two sums can both pass.
 *
 * Called twice: the reservation stands, nothing is held or counted again. Dies in the middle: nothing was held. Throws the permanent
 * codes of validation, `TRANSFER_REFUSED` when the payment would revert, `GAS_COST_EXCEEDED` when its gas could never be
 * paid within the settings, `PAID_BY_HAND` for a retry while a person's word that it was paid stands, and transient codes while the
 * market is above them; nothing is held then.
 */
export function makeReserveFunds(ports: ReserveFundsPorts) {
  const { db, settings } = ports;
  const checkDecimals = createDecimalsCheck(ports.rpc);

  return moneyActivity('reserveFunds', ports.log, async ({ requestId, retried = false }: ReserveFundsInput): Promise<FundsResult> => {
    const request = await getWithdrawal(db, requestId);
    if (request.status === 'DEAD_LETTERED') {
      if (!(await takeUpAgain(requestId, retried))) return { kind: 'parked' };
    }
    const existing = await getFunds(db, requestId);
    const decision = await findDecision(db, requestId);
    // What may be on chain is no longer the policy's to judge.
    if (existing && (decision || request.hasLivePayment)) return { kind: 'reserved', walletAddress: existing.walletAddress, awaitsApproval: decision !== undefined && awaitsApproval(decision) };
    if (isEnd(request.status)) throw new EngineError('INVALID_STATE', { status: request.status });

    // Held without a decision (rebuilt after a loss, or held before there were policies): judged where it stands.
    if (existing) return judgeWhereItStands(request, existing.walletAddress as Address);

    const wallets = await listWallets(db, request.chainId);
    const refused = await validate(request, wallets);
    if (refused) return refused;
    const { free, standing } = await splitByHalts(db, activeOf(wallets), request.tokenAddress);
    let missing: 'token' | 'gas' = 'token';
    let denied: FundsResult | null = null;
    for (const wallet of await chooseWallets(ports, request, free)) {
      const tried = await tryWallet(request, wallet.address as Address);
      if (tried === 'token' || tried === 'gas') {
        missing = tried;
        continue;
      }
      if (tried.kind === 'reserved') {
        ports.crashPoint('funds-reserved');
        return tried;
      }
      // Another wallet may hold more: a share of it is another share.
      denied = tried;
    }
    denied ??= await findDenial(db, request);
    if (denied) return denied;
    // A wallet that stands still is waited for, with nothing held; it is no missing money.
    refuseHalted(standing);
    await transact(db, async (tx) => {
      await lockWithdrawal(tx, requestId);
      // Another run found them meanwhile, and may be signing.
      if (await getFunds(tx, requestId)) return;
      await moveTo(tx, requestId, 'AWAITING_FUNDS', 'waiting for funds', { detail: { missing } });
    });
    return { kind: 'short', missing, waitMs: settings.fundsWaitMs };
  });

  /** A person's retry: from here on it is no longer parked, and may be given a nonce. An answer to an earlier letter counts for nothing. */
  async function takeUpAgain(requestId: string, retried: boolean | readonly number[]): Promise<boolean> {
    return transact(db, async (tx) => {
      const row = await lockWithdrawal(tx, requestId);
      // Taken up by an earlier run of this activity, whose answer was lost.
      if (row.status !== 'DEAD_LETTERED') return true;
      const letter = await findOpenDeadLetter(tx, requestId);
      if (retried !== true && !(retried && letter && retried.includes(letter.id))) return false;
      // The chain is asked first, whatever else was said, also in a run that did not hear the claim.
      if (isClaimedPaid(row)) throw new EngineError('PAID_BY_HAND', { requestId });
      const { paidTxHash, hasLivePayment } = row;
      // A nonce whose bytes are still out goes on where it stands; the chain rules on it first.
      const from = hasLivePayment ? 'BROADCASTED' : 'PENDING';
      if (paidTxHash === null) await moveTo(tx, requestId, from, 'taken up again', { set: { errorCode: null, errorMessage: null } });
      await resolveCalls(tx, requestId);
      await resolveDeadLetter(tx, requestId, 'RETRIED');
      return true;
    });
  }

  async function validate(request: WithdrawalRow, wallets: readonly WalletRow[]): Promise<Extract<FundsResult, { kind: 'denied' }> | null> {
    if (request.chainId !== settings.chain.chainId) throw new EngineError('UNSUPPORTED_NETWORK', { network: request.network });
    const asset = await findAsset(db, request.network, request.currency);
    if (!asset?.enabled || asset.tokenAddress !== request.tokenAddress) throw new EngineError('UNSUPPORTED_CURRENCY', { currency: request.currency });
    if (asset.decimals !== request.decimals) throw new EngineError('UNSUPPORTED_CURRENCY', { currency: request.currency, reason: 'its decimals have changed' });
    await checkDecimals({ currency: asset.currency, tokenAddress: asset.tokenAddress as Address | null, decimals: asset.decimals });
    assertPayable(request.toAddress as Address, { tokenAddress: request.tokenAddress, ownWallets: wallets.map(({ address }) => address) });
    return request.amount > asset.maxAmount ? { kind: 'denied', code: 'LIMIT_EXCEEDED', rule: 'per-transaction' } : null;
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

  function balancesOf(walletAddress: Address, tokenAddress: Address | null): Promise<BalancesAtBlock> {
    return readBalances({ rpc: ports.rpc, redis: ports.redis, settings: settings.chain }, walletAddress, tokenAddress);
  }

  async function judgeWhereItStands(request: WithdrawalRow, walletAddress: Address): Promise<Judged> {
    const { token } = await balancesOf(walletAddress, request.tokenAddress as Address | null);
    return transact(db, async (tx) => {
      const { status } = await lockWithdrawal(tx, request.requestId);
      // Ended meanwhile: what it took of the limits now would never be given back.
      if (isEnd(status)) throw new EngineError('INVALID_STATE', { status });
      return judgeHeld(tx, request, walletAddress, token);
    });
  }

  /** @returns gas units; null where the wallet has paid others since its balance was read: that is no refusal of the token's */
  async function rehearse(walletAddress: Address, payment: Parameters<typeof paymentCall>[0]): Promise<bigint | null> {
    try {
      return await rehearsePayment(ports.rpc, walletAddress, paymentCall(payment));
    } catch (error) {
      const isRefused = error instanceof EngineError && error.code === 'TRANSFER_REFUSED';
      if (isRefused && (await readBalancesNow(ports.rpc, walletAddress, payment.tokenAddress)).token < payment.amount) return null;
      throw error;
    }
  }

  async function tryWallet(request: WithdrawalRow, walletAddress: Address): Promise<Attempt> {
    const tokenAddress = request.tokenAddress as Address | null;
    const toAddress = request.toAddress as Address;
    const balances = await balancesOf(walletAddress, tokenAddress);
    if (balances.token < request.amount) return 'token';
    const gas = await rehearse(walletAddress, { tokenAddress, toAddress, amount: request.amount });
    if (gas === null) return 'token';
    const gasLimit = atMost((gas * BigInt(100 + settings.chain.gasLimitMarginPercent)) / 100n, TRANSACTION_GAS_MAX);
    const fees = await quoteFor(gasLimit);
    const wanted = { tokenAddress, amount: request.amount, gasWei: gasLimit * fees.maxFeePerGas };

    return transact(db, async (tx) => {
      const { status } = await lockWithdrawal(tx, request.requestId);
      // Ended while this one read the chain: what is held now would never be released.
      if (isEnd(status)) throw new EngineError('INVALID_STATE', { status });
      // Another run of this activity may have held the funds while this one read the chain.
      const funds = await getFunds(tx, request.requestId);
      if (funds) return judgeHeld(tx, request, funds.walletAddress, balances.token);
      const standing = await readStandingFacts(tx, request, new Date());
      const live = await lockLivePolicy(tx);
      assertTakesPayments(await lockWallet(tx, request.chainId, walletAddress));
      const verdict = judgeFunds(balances, await listReserved(tx, request.chainId, walletAddress, balances.block), wanted);
      if (!verdict.sufficient) return verdict.missing;
      const admission = await admit(tx, request, { live, standing, walletBalance: balances.token });
      if (admission.kind === 'denied') return admission;
      await holdFunds(tx, { requestId: request.requestId, chainId: request.chainId, walletAddress, gasLimit, ...wanted });
      await setWithdrawal(tx, request.requestId, { walletAddress, errorCode: null, errorMessage: null });
      await appendEvent(tx, { requestId: request.requestId, type: 'funds reserved', detail: { wallet: walletAddress, gasLimit: gasLimit.toString(), gasWei: wanted.gasWei.toString() } });
      return { kind: 'reserved', walletAddress, awaitsApproval: admission.awaitsApproval };
    });
  }
}

/** Funds that are held already, perhaps judged already. The caller holds the withdrawal's row. */
async function judgeHeld(tx: Transaction, request: WithdrawalRow, walletAddress: string, walletBalance: bigint): Promise<Judged> {
  const decision = await findDecision(tx, request.requestId);
  if (decision) return { kind: 'reserved', walletAddress, awaitsApproval: awaitsApproval(decision) };
  const standing = await readStandingFacts(tx, request, new Date());
  const admission = await admit(tx, request, { live: await lockLivePolicy(tx), standing, walletBalance });
  return admission.kind === 'denied' ? admission : { kind: 'reserved', walletAddress, awaitsApproval: admission.awaitsApproval };
}

function activeOf(wallets: readonly WalletRow[]): WalletRow[] {
  const active = wallets.filter(({ status }) => status === 'ACTIVE');
  if (active.length === 0) throw new EngineError('WALLET_UNAVAILABLE', { reason: 'no active wallet' });
  return active;
}

const atMost = (value: bigint, bound: bigint): bigint => (value < bound ? value : bound);
