import { setTimeout as sleep } from 'node:timers/promises';
import { formatUnits, getAddress } from 'ethers';
import type { Journal } from './journal.ts';
import type { Dice } from './plan.ts';

export interface LoadOptions {
  /** through a proxy: answers get lost */
  baseUrl: string;
  account: { email: string; password: string };
  ownerId: number;
  assets: readonly { currency: string; tokenAddress: string | null; decimals: number }[];
  journal: Journal;
  dice: Dice;
  /** makes this run's keys unlike those of another */
  seed: number;
  postsPerSecond: number;
}

export interface Load {
  /** posts at the steady rate until the signal */
  run(signal: AbortSignal): Promise<void>;
  /** posts once, outside of the rate, and resolves when it was answered */
  postOne(): Promise<void>;
  /** `count` earlier keys again, each three times at once; answered or not, they go into the record */
  repeat(count: number, pick: number): Promise<void>;
  /** every key again, and some of them with another body */
  replayAll(): Promise<void>;
  /** resolves when every POST that was begun has had its answer */
  settled(): Promise<void>;
  readonly accepted: ReadonlyMap<string, string>;
  readonly counts: { posted: number; lostAnswers: number; refused: number; cancelsAsked: number };
}

interface Payment {
  key: string;
  body: { amount: string; currency: string; toAddress: string; network: string };
}

interface Answer {
  httpStatus: number;
  body: { requestId?: string; error?: { code: string } };
}

const CALL_TIMEOUT_MS = 5_000;
const RETRY_MS = [300, 1_200] as const;
const AT_ONCE = 3;
/** one in so many is asked to be cancelled, at some time of its life */
const CANCEL_ONE_IN = 12;
const TWICE_ONE_IN = 10;
const REPLAYS_AT_ONCE = 6;

/**
 * A customer's backend that follows the rules: it writes down what it is going to ask, asks again with the same key whatever
 * it got no answer to, and writes down every answer before it does anything else.
 */
export function createLoad(options: LoadOptions): Load {
  const { journal, dice } = options;
  const payments: Payment[] = [];
  const accepted = new Map<string, string>();
  const underWay = new Set<Promise<void>>();
  const counts = { posted: 0, lostAnswers: 0, refused: 0, cancelsAsked: 0 };
  let token = '';

  async function call(method: string, path: string, body: object | null, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(`${options.baseUrl}${path}`, {
      method,
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }), authorization: `Bearer ${token}` },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
    return { httpStatus: response.status, body: (await response.json()) as Answer['body'] };
  }

  /** Asks until there is an answer that means something; a lost one, a 429 and a 5xx mean: ask again. */
  async function insist(method: string, path: string, body: object | null, headers: Record<string, string> = {}): Promise<Answer> {
    for (;;) {
      try {
        const answer = await call(method, path, body, headers);
        if (answer.httpStatus === 401) await signIn();
        else if (answer.httpStatus < 500 && answer.httpStatus !== 429) return answer;
      } catch {
        // A torn connection, a time-out, half an answer: whether it was done is not known.
      }
      counts.lostAnswers += 1;
      await sleep(RETRY_MS[0] + Math.random() * (RETRY_MS[1] - RETRY_MS[0]));
    }
  }

  async function signIn(): Promise<void> {
    const answer = (await call('POST', '/auth/login', options.account)) as unknown as { body: { accessToken?: string } };
    token = answer.body.accessToken ?? token;
  }

  function nextPayment(): Payment {
    const asset = options.assets[dice.between(0, options.assets.length - 1)];
    if (!asset) throw new Error('there are no assets to pay');
    const toAddress = getAddress(`0x${Array.from({ length: 20 }, () => dice.between(0, 255).toString(16).padStart(2, '0')).join('')}`);
    // Uneven amounts, so that two payments cannot stand in for each other: 0.01 to 9.99 and six digits more.
    const amount = BigInt(dice.between(10_000, 9_999_999)) * 10n ** BigInt(asset.decimals - 6);
    const key = `faults-${options.seed}-${payments.length}`;
    const payment = { key, body: { amount: formatUnits(amount, asset.decimals), currency: asset.currency, toAddress, network: 'polygon-amoy' } };
    payments.push(payment);
    counts.posted += 1;
    journal.write({ type: 'posted', key, ownerId: options.ownerId, currency: asset.currency, tokenAddress: asset.tokenAddress, amount: amount.toString(), toAddress });
    return payment;
  }

  async function post({ key, body }: Payment, isRepeat: boolean): Promise<void> {
    const answer = await insist('POST', '/withdrawals', body, { 'idempotency-key': key });
    const { requestId } = answer.body;
    if (answer.httpStatus === 202 && requestId !== undefined) {
      journal.write({ type: 'accepted', key, requestId, repeat: isRepeat });
      if (!accepted.has(requestId)) accepted.set(requestId, key);
      return;
    }
    counts.refused += 1;
    journal.write({ type: 'refused', key, httpStatus: answer.httpStatus, code: answer.body.error?.code ?? '' });
  }

  async function cancel(key: string, afterMs: number): Promise<void> {
    await sleep(afterMs);
    const requestId = [...accepted].find(([, acceptedKey]) => acceptedKey === key)?.[0];
    if (requestId === undefined) return;
    counts.cancelsAsked += 1;
    journal.write({ type: 'cancel-asked', requestId });
    // Granted or too late: the end says which, and both are right.
    await insist('POST', `/withdrawals/${requestId}/cancel`, null);
  }

  function begin(work: Promise<void>): void {
    const tracked = work.finally(() => underWay.delete(tracked));
    underWay.add(tracked);
  }

  async function postAndMore(): Promise<void> {
    const payment = nextPayment();
    const twice = dice.between(1, TWICE_ONE_IN) === 1;
    const cancelled = dice.between(1, CANCEL_ONE_IN) === 1;
    const cancelAfterMs = dice.between(0, 4_000);
    await Promise.all([post(payment, false), ...(twice ? [post(payment, true)] : [])]);
    if (cancelled) await cancel(payment.key, cancelAfterMs);
  }

  return {
    accepted,
    counts,
    async run(signal) {
      while (!signal.aborted) {
        begin(postAndMore());
        await sleep(1_000 / options.postsPerSecond, undefined, { signal }).catch(() => undefined);
      }
    },
    async postOne() {
      await post(nextPayment(), false);
    },
    async repeat(count, pick) {
      const chosen = Array.from({ length: Math.min(count, payments.length) }, (_, index) => payments[(pick + index * 7) % payments.length]);
      await Promise.all(chosen.flatMap((payment) => (payment ? Array.from({ length: AT_ONCE }, async () => await post(payment, true)) : [])));
    },
    async replayAll() {
      const queue = [...payments];
      await Promise.all(
        Array.from({ length: REPLAYS_AT_ONCE }, async () => {
          for (let payment = queue.shift(); payment !== undefined; payment = queue.shift()) await post(payment, true);
        }),
      );
      for (const { key, body } of payments.filter((_, index) => index % 10 === 0)) {
        const answer = await insist('POST', '/withdrawals', { ...body, amount: '0.5' }, { 'idempotency-key': key });
        journal.write({ type: 'conflict', key, httpStatus: answer.httpStatus });
      }
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}
