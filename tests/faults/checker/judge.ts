import { createHash } from 'node:crypto';
import { keccak256, Transaction } from 'ethers';
import type { Books } from './read-books.ts';
import type { ChainFacts, Transfer } from './read-chain.ts';
import { linesOf, type RecordLine } from './record.ts';

export interface Invariant {
  title: string;
  /** how many things were held against it */
  checked: number;
  violations: string[];
}

export interface Judgement {
  invariants: Invariant[];
  /** transfers beyond the first to one recipient */
  duplicates: number;
  /** accepted withdrawals without a row or an end, and ended ones whose money is not where the books say */
  losses: number;
  violations: string[];
}

const ENDS = ['COMPLETED', 'FAILED', 'REJECTED', 'CANCELLED'];
/** Alarms that must not be up when all is well. Others (a foreign transaction was seen, endpoints contradicted each other) are the faults' own. */
const FALSE_ALARMS = ['DOUBLE_PAYMENT', 'PAYMENT_MISSING', 'STRANGER_TRANSFER', 'FOREIGN_OUTFLOW', 'FINALITY_UNDONE', 'BOOKS_BEHIND', 'NONCE_GAP', 'HEAD_OF_LINE', 'AUDIT_BROKEN'];

/**
 * Holds the run's record, the books and the chain against each other. Pure. It shares no code with the engine: what the engine
 * promises is said here a second time, in other words, so that a wrong rule over there cannot excuse itself.
 */
export function judge(record: readonly RecordLine[], books: Books, chain: ChainFacts): Judgement {
  const invariants: Invariant[] = [];
  const check = <Item>(title: string, items: readonly Item[], complain: (item: Item) => string | readonly string[] | null): void => {
    invariants.push({ title, checked: items.length, violations: items.flatMap((item) => complain(item) ?? []) });
  };

  const posted = linesOf(record, 'posted');
  const accepted = linesOf(record, 'accepted');
  const promised = new Map(accepted.map(({ key, requestId }) => [requestId, key]));
  const postedByKey = new Map(posted.map((line) => [line.key, line]));
  const rows = new Map(books.withdrawals.map((row) => [row.requestId, row]));
  const wallets = new Set(chain.wallets.map(({ address }) => address));
  const outflows = chain.transfers.filter(({ from, to }) => wallets.has(from) && !wallets.has(to));
  const byRecipient = Map.groupBy(outflows, ({ to }) => to);
  const foreign = new Set(linesOf(record, 'foreign').map(({ txHash }) => txHash.toLowerCase()));
  const paidTo = (recipient: string): Transfer[] => byRecipient.get(recipient.toLowerCase()) ?? [];

  check('every accepted answer has its row, as it was asked', [...promised], ([requestId, key]) => {
    const row = rows.get(requestId);
    const asked = postedByKey.get(key);
    if (!row || !asked) return `${requestId} (key ${key}) was accepted, but ${row ? 'never posted' : 'has no row'}`;
    const same = row.amount === BigInt(asked.amount) && row.currency === asked.currency && row.toAddress.toLowerCase() === asked.toAddress.toLowerCase() && lower(row.tokenAddress) === lower(asked.tokenAddress);
    return same ? null : `${requestId}: asked ${asked.amount} ${asked.currency} to ${asked.toAddress}, the row says ${row.amount} ${row.currency} to ${row.toAddress}`;
  });

  check('one key, one withdrawal: every answer to a key, early, late or repeated, names the same', [...Map.groupBy(accepted, ({ key }) => key)], ([key, answers]) => {
    const named = new Set(answers.map(({ requestId }) => requestId));
    if (named.size > 1) return `key ${key} was answered with ${[...named].join(' and ')}`;
    const keyHash = createHash('sha256').update(key, 'utf8').digest('hex');
    const stored = books.keys.filter((row) => row.keyHash === keyHash && row.ownerId === postedByKey.get(key)?.ownerId);
    return stored.length === 1 && named.has(stored[0]?.requestId ?? '') ? null : `key ${key} is stored for ${stored.map(({ requestId }) => requestId).join(' and ') || 'nothing'}, answered with ${[...named].join()}`;
  });

  check('the same key with another body is refused', linesOf(record, 'conflict'), ({ key, httpStatus }) => (httpStatus === 409 || httpStatus === 422 ? null : `key ${key} with another body was answered ${httpStatus}`));

  check('every row was asked for', books.withdrawals, ({ requestId, toAddress }) => (posted.some((line) => line.toAddress.toLowerCase() === toAddress.toLowerCase()) ? null : `${requestId} pays ${toAddress}, whom nobody named`));

  check('every withdrawal has ended', books.withdrawals, ({ requestId, status, errorCode }) => (ENDS.includes(status) ? null : `${requestId} is ${status}${errorCode === null ? '' : ` (${errorCode})`}`));

  check('completed: the chain shows exactly one transfer, of exactly the amount, and the books name it', books.withdrawals.filter(({ status }) => status === 'COMPLETED'), (row) => {
    const transfers = paidTo(row.toAddress);
    const [only] = transfers;
    if (transfers.length !== 1 || !only) return `${row.requestId} is COMPLETED with ${transfers.length} transfers to ${row.toAddress}: ${transfers.map(({ txHash, amount }) => `${amount} in ${txHash}`).join(', ') || 'none'}`;
    if (only.amount !== row.amount || only.tokenAddress !== lower(row.tokenAddress)) return `${row.requestId} asked ${row.amount} of ${row.tokenAddress ?? 'the native coin'}, the chain shows ${only.amount} of ${only.tokenAddress ?? 'the native coin'}`;
    return lower(row.paidTxHash) === only.txHash ? null : `${row.requestId} was paid by ${only.txHash}, the books say ${row.paidTxHash}`;
  });

  check('not completed: the chain shows no transfer', books.withdrawals.filter(({ status }) => status !== 'COMPLETED'), (row) => {
    const transfers = paidTo(row.toAddress);
    return transfers.length === 0 ? null : `${row.requestId} is ${row.status}, but ${transfers.length} transfers reached ${row.toAddress}: ${transfers.map(({ txHash, amount }) => `${amount} in ${txHash}`).join(', ')}`;
  });

  check('every outflow of a hot wallet goes to a recipient somebody named, and nobody is paid twice', [...byRecipient], ([recipient, transfers]) => {
    const known = posted.filter((line) => line.toAddress.toLowerCase() === recipient);
    if (known.length === 0) return transfers.map(({ txHash, amount, from }) => `${amount} left ${from} for ${recipient}, whom nobody named, in ${txHash}`);
    return transfers.length > known.length ? `${recipient} was paid ${transfers.length} times: ${transfers.map(({ txHash }) => txHash).join(', ')}` : null;
  });

  check('only who was asked to be cancelled is', books.withdrawals.filter(({ status }) => status === 'CANCELLED'), ({ requestId }) => (linesOf(record, 'cancel-asked').some((line) => line.requestId === requestId) ? null : `${requestId} is CANCELLED, which nobody asked`));

  const attempts = books.attempts.map((attempt) => ({ ...attempt, decoded: Transaction.from(attempt.rawTransaction) }));
  check('stored bytes are those of their hash, wallet and nonce', attempts, ({ txHash, rawTransaction, nonce, fromAddress, decoded }) => {
    const fits = keccak256(rawTransaction) === txHash.toLowerCase() && decoded.from?.toLowerCase() === fromAddress.toLowerCase() && decoded.nonce === nonce;
    return fits ? null : `${txHash} is stored with bytes of ${keccak256(rawTransaction)}, from ${decoded.from}, nonce ${decoded.nonce}`;
  });

  const walletNonce = ({ decoded }: (typeof attempts)[number]): string => `${decoded.from?.toLowerCase()} #${decoded.nonce}`;
  check('a nonce belongs to one request, and all its attempts pay the same or nothing', [...Map.groupBy(attempts, walletNonce)], ([nonce, group]) => {
    const owners = new Set(group.map(({ requestId }) => requestId));
    if (owners.size > 1) return `${nonce} belongs to ${[...owners].join(' and ')}`;
    const paying = group.filter(({ purpose }) => purpose === 'PAY');
    const payments = new Set(paying.map(({ decoded }) => `${decoded.to} ${decoded.value} ${decoded.data}`));
    if (payments.size > 1) return `${nonce} pays differently: ${[...payments].join(' and ')}`;
    if (paying.length > 0 && !rows.has(group[0]?.requestId ?? '')) return `${nonce} pays for ${group[0]?.requestId}, which is no withdrawal`;
    const void_ = group.find(({ purpose, decoded }) => purpose !== 'PAY' && (decoded.value !== 0n || decoded.data !== '0x' || decoded.to?.toLowerCase() !== decoded.from?.toLowerCase()));
    return void_ ? `${nonce}: ${void_.txHash} is said to pay nothing and does not look so` : null;
  });

  const signed = new Set(attempts.map(({ txHash }) => txHash.toLowerCase()));
  check('every mined transaction of a hot wallet was committed before, or is a declared act of the run', chain.transactions, ({ txHash, wallet, nonce }) => (signed.has(txHash) || foreign.has(txHash) ? null : `${txHash} used nonce ${nonce} of ${wallet}, and nobody knows it`));

  const latestOf = new Map(chain.wallets.map(({ address, latestNonce }) => [address, latestNonce]));
  check('nothing signed is left over: every nonce with bytes was consumed', attempts, (attempt) => {
    const latest = latestOf.get(attempt.fromAddress.toLowerCase());
    return latest !== undefined && attempt.nonce < latest ? null : `${attempt.txHash} of ${attempt.requestId} could still be mined at nonce ${attempt.nonce}`;
  });

  check('at rest: latest = pending = next nonce, without a gap', chain.wallets, (wallet) => {
    const complaints: string[] = [];
    const row = books.wallets.find(({ address }) => address.toLowerCase() === wallet.address);
    const nonces = books.nonces.filter(({ walletAddress }) => walletAddress.toLowerCase() === wallet.address);
    if (wallet.pendingNonce !== wallet.latestNonce) complaints.push(`${wallet.address}: latest ${wallet.latestNonce}, pending ${wallet.pendingNonce}`);
    const used = nonces.filter(({ state }) => state !== 'FREED');
    const open = used.filter(({ state }) => state !== 'CONSUMED' && state !== 'FOREIGN');
    for (const { nonce, state, requestId } of open) complaints.push(`${wallet.address} #${nonce} is still ${state} for ${requestId}`);
    const missing = Array.from({ length: wallet.latestNonce }, (_, nonce) => nonce).filter((nonce) => !used.some((reservation) => reservation.nonce === nonce));
    if (missing.length > 0) complaints.push(`${wallet.address}: nonces ${missing.join(', ')} were mined, and the books do not hold them as used`);
    // Freed nonces are given out again before the counter moves on, so the next one is the lowest of them.
    const next = Math.min(...nonces.filter(({ state }) => state === 'FREED').map(({ nonce }) => nonce), row?.nextNonce ?? 0);
    if (next !== wallet.latestNonce && (row?.nextNonce !== null || wallet.latestNonce !== 0)) complaints.push(`${wallet.address}: the chain is at ${wallet.latestNonce}, the books would give ${next} next`);
    return complaints;
  });

  check('no funds stay held for a withdrawal that has ended; what was paid was consumed', books.funds, ({ requestId, state, spentAmount }) => {
    const row = rows.get(requestId);
    if (!row) return `funds are ${state} for ${requestId}, which is no withdrawal`;
    if (ENDS.includes(row.status) && state === 'HELD') return `${requestId} is ${row.status} and still holds funds`;
    return row.status !== 'COMPLETED' || (state === 'CONSUMED' && spentAmount === row.amount) ? null : `${requestId} is COMPLETED with funds ${state}, ${spentAmount} spent`;
  });

  check('the sum holds: before + top-ups − after = paid by the books + gas by the receipts', sums(record, books, chain), ({ name, before, toppedUp, after, paid, gas }) =>
    before + toppedUp - after === paid + gas ? null : `${name}: ${before} + ${toppedUp} − ${after} = ${before + toppedUp - after}, but ${paid} paid + ${gas} gas = ${paid + gas}`,
  );

  check('no wallet is left stopped, nothing is left halted', [...books.wallets.map(({ address, status, statusReason }) => ({ what: address, status, statusReason })), ...books.halts.map(({ scope, target, kind }) => ({ what: `${scope} ${target}`, status: kind, statusReason: null }))], ({ what, status, statusReason }) =>
    status === 'ACTIVE' ? null : `${what} is ${status}${statusReason === null ? '' : ` (${statusReason})`}`,
  );
  check('no alarm is up that accuses the engine or the chain', books.openAlerts, ({ kind, subject }) => (FALSE_ALARMS.includes(kind) ? `${kind} is open for ${subject}` : null));

  return {
    invariants,
    duplicates: [...byRecipient.values()].reduce((sum, transfers) => sum + transfers.length - 1, 0),
    losses: [...promised.keys()].filter((requestId) => {
      const row = rows.get(requestId);
      return !row || !ENDS.includes(row.status) || (row.status === 'COMPLETED' && paidTo(row.toAddress).length === 0);
    }).length,
    violations: invariants.flatMap(({ title, violations }) => violations.map((violation) => `${title}: ${violation}`)),
  };
}

interface Sum {
  name: string;
  before: bigint;
  toppedUp: bigint;
  after: bigint;
  paid: bigint;
  gas: bigint;
}

/** One sum for each wallet and coin: what the run measured at both ends against what books and receipts explain. */
function sums(record: readonly RecordLine[], books: Books, chain: ChainFacts): Sum[] {
  const [run] = linesOf(record, 'run');
  return (run?.wallets ?? []).flatMap(({ address, balances }) => {
    const wallet = address.toLowerCase();
    const own = chain.transactions.filter((transaction) => transaction.wallet === wallet);
    const ownHashes = new Set(own.map(({ txHash }) => txHash));
    return balances.map(({ tokenAddress, amount }): Sum => {
      const token = lower(tokenAddress);
      const after = chain.wallets.find((candidate) => candidate.address === wallet)?.balances.find((balance) => balance.tokenAddress === token)?.amount;
      const inflows = chain.transfers.filter((transfer) => transfer.to === wallet && transfer.from !== wallet && transfer.tokenAddress === token);
      const set = token === null ? linesOf(record, 'balance-set').filter((line) => line.wallet.toLowerCase() === wallet) : [];
      return {
        name: `${address} ${tokenAddress ?? 'native'}`,
        before: BigInt(amount),
        toppedUp: total(set.map(({ deltaWei }) => BigInt(deltaWei))) + total(inflows.map((transfer) => transfer.amount)),
        after: after ?? -1n,
        paid: total(books.withdrawals.filter((row) => row.status === 'COMPLETED' && lower(row.tokenAddress) === token && ownHashes.has(lower(row.paidTxHash) ?? '')).map((row) => row.amount)),
        gas: token === null ? total(own.map(({ gasCostWei }) => gasCostWei)) : 0n,
      };
    });
  });
}

function total(amounts: readonly bigint[]): bigint {
  return amounts.reduce((sum, amount) => sum + amount, 0n);
}

function lower(text: string | null): string | null {
  return text?.toLowerCase() ?? null;
}
