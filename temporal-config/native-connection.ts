import { NativeConnection } from '@temporalio/worker';
import { API_KEY_LOOK_MS } from './api-key.ts';
import { explained, type TemporalPlace } from './connection.ts';

/**
 * A worker's connection. An API key from a file is handed on when it changes, until the signal aborts; the connection itself is
 * the caller's to close. Throws one line when nobody answers there, or refuses this process.
 */
export async function connectWorkerTo(place: TemporalPlace, signal: AbortSignal): Promise<NativeConnection> {
  const { address, tls, apiKey } = place;
  const connection = await explained(place, () => NativeConnection.connect({ address, ...(tls && { tls }), ...(apiKey && { apiKey: apiKey.read() }) }));
  if (apiKey) handOn(connection, apiKey.read, signal);
  return connection;
}

function handOn(connection: NativeConnection, read: () => string, signal: AbortSignal): void {
  let handed = read();
  const timer = setInterval(() => {
    const key = read();
    if (key === handed) return;
    handed = key;
    void connection.setApiKey(key);
  }, API_KEY_LOOK_MS).unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}
