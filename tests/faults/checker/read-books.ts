import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';

/** The engine's tables as they stand, in plain SQL. Amounts are base units or wei; addresses as stored. */
export interface Books {
  withdrawals: { requestId: string; currency: string; tokenAddress: string | null; amount: bigint; toAddress: string; status: string; walletAddress: string | null; paidTxHash: string | null; errorCode: string | null; createdAtMs: number; completedAtMs: number | null }[];
  keys: { ownerId: number; keyHash: string; requestId: string }[];
  nonces: { id: number; walletAddress: string; nonce: number; requestId: string | null; state: string; consumedBy: string | null }[];
  attempts: { requestId: string; reservationId: number; ordinal: number; purpose: string; txHash: string; rawTransaction: string; nonce: number; fromAddress: string }[];
  funds: { requestId: string; state: string; amount: bigint; spentAmount: bigint | null }[];
  wallets: { address: string; status: string; statusReason: string | null; nextNonce: number | null }[];
  /** kinds of the alerts nobody has closed, each with what it is about */
  openAlerts: { kind: string; subject: string }[];
  halts: { scope: string; target: string; kind: string }[];
}

/** Reads the books in one snapshot. */
export async function readBooks(databaseUrl: string, chainId: number): Promise<Books> {
  const connection = await createConnection({ uri: databaseUrl, timezone: 'Z', supportBigNumbers: true, bigNumberStrings: true });
  try {
    await connection.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await connection.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    return {
      withdrawals: await rows(
        connection,
        'SELECT request_id, currency, token_address, amount, to_address, status, wallet_address, paid_tx_hash, error_code, created_at, completed_at FROM withdrawal_requests WHERE chain_id = ? ORDER BY created_at',
        [chainId],
        (row) => ({
          requestId: text(row['request_id']),
          currency: text(row['currency']),
          tokenAddress: textOrNull(row['token_address']),
          amount: BigInt(text(row['amount'])),
          toAddress: text(row['to_address']),
          status: text(row['status']),
          walletAddress: textOrNull(row['wallet_address']),
          paidTxHash: textOrNull(row['paid_tx_hash']),
          errorCode: textOrNull(row['error_code']),
          createdAtMs: (row['created_at'] as Date).getTime(),
          completedAtMs: (row['completed_at'] as Date | null)?.getTime() ?? null,
        }),
      ),
      keys: await rows(connection, 'SELECT owner_id, key_hash, request_id FROM idempotency_keys', [], (row) => ({ ownerId: Number(row['owner_id']), keyHash: text(row['key_hash']), requestId: text(row['request_id']) })),
      nonces: await rows(connection, 'SELECT id, wallet_address, nonce, request_id, state, consumed_by FROM nonce_reservations WHERE chain_id = ? ORDER BY wallet_address, nonce', [chainId], (row) => ({
        id: Number(row['id']),
        walletAddress: text(row['wallet_address']),
        nonce: Number(row['nonce']),
        requestId: textOrNull(row['request_id']),
        state: text(row['state']),
        consumedBy: textOrNull(row['consumed_by']),
      })),
      attempts: await rows(connection, 'SELECT request_id, reservation_id, ordinal, purpose, tx_hash, raw_transaction, nonce, from_address FROM signed_transactions WHERE chain_id = ? ORDER BY id', [chainId], (row) => ({
        requestId: text(row['request_id']),
        reservationId: Number(row['reservation_id']),
        ordinal: Number(row['ordinal']),
        purpose: text(row['purpose']),
        txHash: text(row['tx_hash']),
        rawTransaction: text(row['raw_transaction']),
        nonce: Number(row['nonce']),
        fromAddress: text(row['from_address']),
      })),
      funds: await rows(connection, 'SELECT request_id, state, amount, spent_amount FROM fund_reservations WHERE chain_id = ?', [chainId], (row) => ({
        requestId: text(row['request_id']),
        state: text(row['state']),
        amount: BigInt(text(row['amount'])),
        spentAmount: row['spent_amount'] === null ? null : BigInt(text(row['spent_amount'])),
      })),
      wallets: await rows(connection, 'SELECT address, status, status_reason, next_nonce FROM wallets WHERE chain_id = ?', [chainId], (row) => ({
        address: text(row['address']),
        status: text(row['status']),
        statusReason: textOrNull(row['status_reason']),
        nextNonce: row['next_nonce'] === null ? null : Number(row['next_nonce']),
      })),
      openAlerts: await rows(connection, 'SELECT kind, subject FROM alerts WHERE resolved_at IS NULL AND chain_id = ?', [chainId], (row) => ({ kind: text(row['kind']), subject: text(row['subject']) })),
      halts: await rows(connection, 'SELECT scope, target, kind FROM halts', [], (row) => ({ scope: text(row['scope']), target: text(row['target']), kind: text(row['kind']) })),
    };
  } finally {
    await connection.end();
  }
}

async function rows<Item>(connection: Connection, sql: string, values: unknown[], read: (row: RowDataPacket) => Item): Promise<Item[]> {
  const [found] = await connection.query<RowDataPacket[]>(sql, values);
  return found.map(read);
}

function text(value: unknown): string {
  return String(value);
}

function textOrNull(value: unknown): string | null {
  return value === null ? null : text(value);
}
