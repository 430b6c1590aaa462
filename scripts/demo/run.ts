import { randomUUID } from 'node:crypto';
import { parseUnits, Wallet } from 'ethers';
import type { Credentials } from '../sandbox/credentials.ts';
import { progressBar } from './bar.ts';
import { chainBalances } from './chain-balances.ts';
import { openCustomer, type Customer, type WithdrawalView } from './customer.ts';

export interface DemoOptions {
  withdrawals: number;
  clients: number;
  timeoutMs: number;
}

interface Payment {
  currency: string;
  tokenAddress: string | null;
  decimals: number;
  /** token units, decimal */
  amount: string;
  recipient: string;
  idempotencyKey: string;
  requestId: string;
  final: WithdrawalView | null;
}

const POLL_MS = 250;

/** Fixed but uneven amounts, so that a payment to the wrong recipient or a doubled one cannot cancel out. */
function plan(credentials: Credentials, count: number): Payment[] {
  return Array.from({ length: count }, (_, index) => {
    const asset = credentials.assets[index % credentials.assets.length];
    if (!asset) throw new Error('the sandbox has no assets');
    const { currency, tokenAddress, decimals } = asset;
    return { currency, tokenAddress, decimals, amount: `${1 + (index % 7)}.${String(index + 11).padStart(4, '0')}`, recipient: Wallet.createRandom().address, idempotencyKey: randomUUID(), requestId: '', final: null };
  });
}

/** Does the work of all items, `atOnce` of them at any time. */
async function shareOut<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
    }),
  );
}

async function waitForEnd(customer: Customer, payment: Payment, deadline: number): Promise<void> {
  for (;;) {
    const view = await customer.withdrawal(payment.requestId);
    if (['COMPLETED', 'FAILED', 'REJECTED', 'CANCELLED', 'DEAD_LETTERED'].includes(view.status)) {
      payment.final = view;
      return;
    }
    if (Date.now() > deadline) throw new Error(`${payment.requestId} is still ${view.status}: see .sandbox/logs and the Temporal Web UI.`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/**
 * Posts withdrawals by several clients at once, each twice with the same idempotency key, waits until all have ended, and
 * compares the recipients' balances on chain with what was asked. Resolves to the number of discrepancies.
 */
export async function runDemo(credentials: Credentials, options: DemoOptions): Promise<number> {
  const customer = await openCustomer(credentials);
  try {
    return await payAll(credentials, options, customer);
  } finally {
    await customer.leave();
  }
}

async function payAll(credentials: Credentials, options: DemoOptions, customer: Customer): Promise<number> {
  const payments = plan(credentials, options.withdrawals);
  const problems: string[] = [];
  const started = Date.now();

  const posted = progressBar('accepted', payments.length);
  let accepted = 0;
  posted(0);
  await shareOut(payments, options.clients, async (payment) => {
    const [first, second] = await Promise.all([customer.withdraw(bodyOf(payment), payment.idempotencyKey), customer.withdraw(bodyOf(payment), payment.idempotencyKey)]);
    if (first.requestId !== second.requestId) problems.push(`one idempotency key, two withdrawals: ${first.requestId} and ${second.requestId}`);
    payment.requestId = first.requestId;
    posted((accepted += 1));
  });
  const acceptedMs = Date.now() - started;

  const completed = progressBar('final', payments.length);
  let ended = 0;
  completed(0);
  // Everybody waits for all: a slow first one must not hide the others.
  await Promise.all(
    payments.map(async (payment) => {
      await waitForEnd(customer, payment, started + options.timeoutMs);
      completed((ended += 1));
    }),
  );
  const elapsedMs = Date.now() - started;

  const chain = chainBalances(credentials.rpcUrl);
  for (const payment of payments) {
    const received = await chain.of(payment.tokenAddress, payment.recipient);
    const asked = parseUnits(payment.amount, payment.decimals);
    if (payment.final?.status !== 'COMPLETED') problems.push(`${payment.requestId} ended ${payment.final?.status}: ${payment.final?.errorMessage ?? ''}`);
    if (received !== asked) problems.push(`${payment.requestId}: asked ${asked}, received ${received} base units of ${payment.currency}`);
  }
  chain.close();
  report(payments, { acceptedMs, elapsedMs, problems });
  return problems.length;
}

function bodyOf({ amount, currency, recipient }: Payment): { amount: string; currency: string; toAddress: string } {
  return { amount, currency, toAddress: recipient };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function report(payments: readonly Payment[], result: { acceptedMs: number; elapsedMs: number; problems: readonly string[] }): void {
  const latencies = payments.flatMap(({ final }) => (final?.completedAt ? [Date.parse(final.completedAt) - Date.parse(final.createdAt)] : [])).toSorted((left, right) => left - right);
  const at = (share: number) => seconds(latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0);
  const rows = [...new Set(payments.map(({ currency }) => currency))].map((currency) => {
    const own = payments.filter((payment) => payment.currency === currency);
    return { currency, withdrawals: own.length, completed: own.filter(({ final }) => final?.status === 'COMPLETED').length, example: own[0]?.final?.txHash ?? '' };
  });
  console.log('');
  console.table(rows);
  console.log(`Accepted in ${seconds(result.acceptedMs)}, all final after ${seconds(result.elapsedMs)}. From accepted to final: median ${at(0.5)}, p95 ${at(0.95)}, slowest ${at(1)}.`);
  console.log(result.problems.length === 0 ? `Every recipient's balance on chain is exactly what was asked: ${payments.length} of ${payments.length}, each posted twice and paid once.` : `PROBLEMS:\n${result.problems.map((problem) => `  ${problem}`).join('\n')}`);
}
