import { Connection, type Client } from '@temporalio/client';
import { clientOn, connectionOptions, type TemporalSettings } from '../temporal-config/connection.ts';

const RECONNECT_MS_MIN = 200;
/** gRPC's own default lets two minutes pass before it notices that a server is back. */
const RECONNECT_MS_MAX = 2_000;

/**
 * A Temporal client that connects when it is first used. Its calls fail at once while there is no server: the SDK's own
 * retries cannot be cancelled and break the process when the connection closes under them, so callers retry themselves.
 */
export function openTemporal(settings: TemporalSettings): { client: Client; close(): Promise<void> } {
  const connection = Connection.lazy({
    ...connectionOptions(settings),
    interceptors: [],
    channelArgs: {
      'grpc.initial_reconnect_backoff_ms': RECONNECT_MS_MIN,
      'grpc.min_reconnect_backoff_ms': RECONNECT_MS_MIN,
      'grpc.max_reconnect_backoff_ms': RECONNECT_MS_MAX,
    },
  });
  return { client: clientOn(connection, settings), close: () => connection.close() };
}
