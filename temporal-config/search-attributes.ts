import type { Connection } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { connectTo, type TemporalPlace } from './connection.ts';

/** What operators can search withdrawals by. The values are visible to everyone who may open the Web UI: no personal data. */
export const SEARCH_ATTRIBUTES = {
  status: defineSearchAttributeKey('WithdrawalStatus', SearchAttributeType.KEYWORD),
  currency: defineSearchAttributeKey('Currency', SearchAttributeType.KEYWORD),
  wallet: defineSearchAttributeKey('Wallet', SearchAttributeType.KEYWORD),
  requestId: defineSearchAttributeKey('RequestId', SearchAttributeType.KEYWORD),
  txHash: defineSearchAttributeKey('TxHash', SearchAttributeType.KEYWORD),
  deadLetterClass: defineSearchAttributeKey('DeadLetterClass', SearchAttributeType.KEYWORD),
} as const;

/** `temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD` */
const INDEXED_VALUE_TYPE_KEYWORD = 2;

/** Names of the search attributes a namespace does not have. */
export async function missingSearchAttributes(connection: Connection, namespace: string): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return Object.values(SEARCH_ATTRIBUTES).flatMap(({ name }) => (name in (customAttributes ?? {}) ? [] : [name]));
}

/**
 * Registers the search attributes that are missing and waits until the server knows them. Called twice, the second call
 * adds nothing.
 */
export async function ensureSearchAttributes(settings: TemporalPlace): Promise<void> {
  const connection = await connectTo(settings);
  try {
    const missing = await missingSearchAttributes(connection, settings.namespace);
    if (missing.length === 0) return;
    await connection.operatorService.addSearchAttributes({
      namespace: settings.namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, INDEXED_VALUE_TYPE_KEYWORD])),
    });
  } finally {
    await connection.close();
  }
}
