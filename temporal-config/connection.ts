import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { apiKeyFrom, type ApiKey } from './api-key.ts';
import { dataConverterFrom } from './data-converter.ts';

export interface TemporalTls {
  serverRootCACertificate?: Buffer;
  clientCertPair?: { crt: Buffer; key: Buffer };
  serverNameOverride?: string;
}

/** Where Temporal is and how a process shows who it is. */
export interface TemporalPlace {
  /** host:port of the frontend service */
  address: string;
  namespace: string;
  /** without it the connection is not encrypted */
  tls?: TemporalTls;
  apiKey?: ApiKey;
}

/** All that a client or worker of the engine is opened with. */
export interface TemporalSettings extends TemporalPlace {
  dataConverter: DataConverter;
}

/** The variables this file reads, beside TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE; named as Temporal's own CLI names them. */
export const TEMPORAL_ACCESS_VARIABLES = [
  'TEMPORAL_TLS', 'TEMPORAL_TLS_SERVER_CA_CERT_PATH', 'TEMPORAL_TLS_CLIENT_CERT_PATH', 'TEMPORAL_TLS_CLIENT_KEY_PATH', 'TEMPORAL_TLS_SERVER_NAME', 'TEMPORAL_API_KEY', 'TEMPORAL_API_KEY_FILE',
] as const;

/** Reads all of it. Throws one line naming the first variable that is missing or wrong. */
export function temporalSettingsFrom(env: NodeJS.ProcessEnv): TemporalSettings {
  return { ...temporalPlaceFrom(env), dataConverter: dataConverterFrom(env) };
}

/**
 * Reads TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE (default `default`), the TEMPORAL_TLS… variables and TEMPORAL_API_KEY or
 * TEMPORAL_API_KEY_FILE. Each of the last two turns TLS on. Certificates are read once: a process takes up renewed ones at its
 * next start. Throws one line naming the first variable that is missing or wrong.
 */
export function temporalPlaceFrom(env: NodeJS.ProcessEnv): TemporalPlace {
  const address = env['TEMPORAL_ADDRESS'];
  if (!address) throw new Error('TEMPORAL_ADDRESS is not set: give host:port of the Temporal frontend.');
  const apiKey = apiKeyFrom(env);
  const tls = tlsFrom(env, apiKey !== null);
  return { address, namespace: env['TEMPORAL_NAMESPACE'] || 'default', ...(tls && { tls }), ...(apiKey && { apiKey }) };
}

/** What `Connection` takes of a place. */
export function connectionOptions({ address, tls, apiKey }: TemporalPlace): ConnectionOptions {
  return { address, ...(tls && { tls }), ...(apiKey && { apiKey: apiKey.read }) };
}

/** Connects. Throws one line when nobody answers there, or refuses this process. */
export async function connectTo(place: TemporalPlace): Promise<Connection> {
  return explained(place, () => Connection.connect(connectionOptions(place)));
}

export function clientOn(connection: Connection, { namespace, dataConverter }: Pick<TemporalSettings, 'namespace' | 'dataConverter'>): Client {
  return new Client({ connection, namespace, dataConverter });
}

/** Runs what connects; a failure says where to, and by what it was tried. */
export async function explained<Connected>({ address, tls, apiKey }: TemporalPlace, connect: () => Promise<Connected>): Promise<Connected> {
  try {
    return await connect();
  } catch (error) {
    const by = [tls ? 'TLS' : 'no TLS', ...(tls?.clientCertPair ? ['a client certificate'] : []), ...(apiKey ? ['an API key'] : [])].join(', ');
    const why = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0];
    throw new Error(`Temporal at ${address} cannot be reached, or refuses this process (tried with ${by}): ${why}`, { cause: error });
  }
}

function tlsFrom(env: NodeJS.ProcessEnv, withApiKey: boolean): TemporalTls | null {
  const [ca, certificate, key, serverName] = ['TEMPORAL_TLS_SERVER_CA_CERT_PATH', 'TEMPORAL_TLS_CLIENT_CERT_PATH', 'TEMPORAL_TLS_CLIENT_KEY_PATH', 'TEMPORAL_TLS_SERVER_NAME'].map((name) => env[name] || undefined);
  const asked = env['TEMPORAL_TLS'] ?? '';
  if (!['', 'true', 'false'].includes(asked)) throw new Error('TEMPORAL_TLS must be true or false.');
  const implied = [ca, certificate, key, serverName].some((value) => value !== undefined);
  if (asked === 'false') {
    if (withApiKey) throw new Error('TEMPORAL_TLS is false, but an API key is given, which must not travel in the clear: leave one of them out.');
    if (implied) throw new Error('TEMPORAL_TLS is false, but another TEMPORAL_TLS_… variable is set: leave one of them out.');
    return null;
  }
  if (asked === '' && !implied && !withApiKey) return null;
  if (certificate === undefined && key !== undefined) throw new Error('TEMPORAL_TLS_CLIENT_CERT_PATH is not set, but TEMPORAL_TLS_CLIENT_KEY_PATH is: a client certificate needs both.');
  if (certificate !== undefined && key === undefined) throw new Error('TEMPORAL_TLS_CLIENT_KEY_PATH is not set, but TEMPORAL_TLS_CLIENT_CERT_PATH is: a client certificate needs both.');
  return {
    ...(ca !== undefined && { serverRootCACertificate: certificateFrom('TEMPORAL_TLS_SERVER_CA_CERT_PATH', ca).pem }),
    ...(certificate !== undefined && key !== undefined && { clientCertPair: pairFrom(certificate, key) }),
    ...(serverName !== undefined && { serverNameOverride: serverName }),
  };
}

function pairFrom(certificateFile: string, keyFile: string): { crt: Buffer; key: Buffer } {
  const { pem: crt, parsed } = certificateFrom('TEMPORAL_TLS_CLIENT_CERT_PATH', certificateFile);
  const key = fileOf('TEMPORAL_TLS_CLIENT_KEY_PATH', keyFile);
  let privateKey;
  try {
    privateKey = createPrivateKey(key);
  } catch (error) {
    throw new Error(`TEMPORAL_TLS_CLIENT_KEY_PATH ${keyFile} is no private key in PEM without a passphrase.`, { cause: error });
  }
  if (!parsed.checkPrivateKey(privateKey)) throw new Error(`TEMPORAL_TLS_CLIENT_KEY_PATH ${keyFile} is not the key of the certificate in TEMPORAL_TLS_CLIENT_CERT_PATH.`);
  return { crt, key };
}

function certificateFrom(name: string, file: string): { pem: Buffer; parsed: X509Certificate } {
  const pem = fileOf(name, file);
  try {
    return { pem, parsed: new X509Certificate(pem) };
  } catch (error) {
    throw new Error(`${name} ${file} is no certificate in PEM.`, { cause: error });
  }
}

function fileOf(name: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Error(`${name} ${file} cannot be read: correct the path or its rights.`, { cause: error });
  }
}
