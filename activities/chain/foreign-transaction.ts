import { EngineError } from '../../domain/errors.ts';
import { movesValue } from '../../domain/foreign.ts';
import type { NonceConsumer } from './nonce-consumer.ts';
import type { Rpc } from './rpc.ts';

interface RawTransaction {
  to: string | null;
  value: string;
  input: string;
}

/**
 * Whether value may have left the wallet with the transaction that consumed a nonce. Throws `CHAIN_UNAVAILABLE` when the
 * consumer is not known (null) or no node shows it: what nobody has seen is not judged.
 */
export async function consumerMovedValue(rpc: Rpc, wallet: string, consumer: NonceConsumer | null): Promise<boolean> {
  const raw = consumer && (await rpc.call<RawTransaction | null>('eth_getTransactionByHash', [consumer.txHash]));
  if (!raw) throw new EngineError('CHAIN_UNAVAILABLE', { method: 'eth_getTransactionByHash', reason: 'no node shows what consumed a nonce' });
  return movesValue({ to: raw.to, value: BigInt(raw.value), input: raw.input }, wallet);
}
