import { Agent as HttpAgent, request as requestHttp, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { retryAfterMs, type AttemptAnswer, type AttemptError } from '../../domain/webhooks.ts';
import { hostOf, isRefusedAddress, urlRefusal, type WebhookUrlRules } from '../../domain/webhook-url.ts';
import type { ResolveHost } from './resolve-host.ts';

export interface OutgoingMessage {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string;
}

export interface PostOptions {
  rules: WebhookUrlRules;
  /** from looking the name up to the answer's status */
  timeoutMs: number;
  /** for the connection, TLS included; 5 s unless given */
  connectTimeoutMs?: number;
  resolveHost: ResolveHost;
  /** aborts the request: the caller then knows nothing of its outcome */
  signal: AbortSignal;
}

export interface PostResult {
  answer: AttemptAnswer;
  /** how the answer's body begins, fit to be shown */
  response: string | null;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** Enough for a status page's first lines; what follows is not read. */
const RESPONSE_BYTES_MAX = 4_096;
const RESPONSE_SHOWN_MAX = 256;
/** An answer whose body dribbles has answered: what came by then is shown. */
const RESPONSE_WAIT_MS = 1_000;

/**
 * Posts a message to a receiver once. Redirects are an answer like any other, proxies are not used, and no connection is kept. The name
 * is looked up here, every address must be allowed, and the connection goes to one of exactly these: a name that changes its mind
 * between look and connection changes nothing. Throws only when `signal` aborts.
 */
export async function postMessage(message: OutgoingMessage, options: PostOptions): Promise<PostResult> {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = AbortSignal.any([timeout, options.signal]);
  try {
    if (urlRefusal(message.url, options.rules) !== null) return failed('ADDRESS_REFUSED');
    const url = new URL(message.url);
    const addresses = await unlessAborted(options.resolveHost(hostOf(url), signal), signal);
    if (addresses.length === 0) return failed('NAME_NOT_FOUND');
    if (addresses.some((address) => isRefusedAddress(address, options.rules))) return failed('ADDRESS_REFUSED');
    return await send(url, message, addresses, { signal, connectTimeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS });
  } catch (error) {
    if (options.signal.aborted) throw options.signal.reason;
    return failed(timeout.aborted ? 'TIMED_OUT' : errorOf(error));
  }
}

const failed = (error: AttemptError): PostResult => ({ answer: { error }, response: null });

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return Promise.race([work, new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))]);
}

function send(url: URL, { headers, body }: OutgoingMessage, addresses: readonly string[], { signal, connectTimeoutMs }: { signal: AbortSignal; connectTimeoutMs: number }): Promise<PostResult> {
  return new Promise((resolve, reject) => {
    const secure = url.protocol === 'https:';
    const request: ClientRequest = (secure ? requestHttps : requestHttp)(url, {
      method: 'POST',
      // Of its own: no connection is shared, and none of a global agent's proxy settings apply.
      agent: secure ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false }),
      lookup: pinnedTo(addresses),
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'user-agent': 'withdrawal-engine-webhooks/1', ...headers },
      signal,
    });
    const connecting = setTimeout(() => request.destroy(Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' })), connectTimeoutMs);
    request.once('socket', (socket) => socket.once(secure ? 'secureConnect' : 'connect', () => clearTimeout(connecting)));
    request.once('close', () => clearTimeout(connecting));
    request.once('error', reject);
    request.once('response', (response) => {
      // The status is known: whatever breaks now says nothing more.
      request.off('error', reject).on('error', () => undefined);
      beginningOf(response, signal).then((text) => resolve({ answer: answerOf(response), response: text }), reject);
    });
    request.end(body);
  });
}

/** Stands in for the resolver of a socket: the addresses that were checked, and no others. */
function pinnedTo(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, callback) => {
    const [first] = all;
    if (options.all === true) callback(null, all);
    else if (first) callback(null, first.address, first.family);
  };
}

function answerOf(response: IncomingMessage): AttemptAnswer {
  return { statusCode: response.statusCode ?? 0, retryAfterMs: retryAfterMs(response.headers['retry-after'], new Date()) };
}

/** Reads a little of the body and ends the connection: the status has said what counts. */
async function beginningOf(response: IncomingMessage, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, RESPONSE_WAIT_MS);
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener('abort', end, { once: true });
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= RESPONSE_BYTES_MAX) end();
    });
    for (const event of ['end', 'error', 'close']) response.once(event, end);
  });
  response.on('error', () => undefined);
  response.destroy();
  const text = Buffer.concat(chunks).toString('utf8');
  return text.replaceAll(/[\p{Cc}\p{Cs}]+/gu, ' ').slice(0, RESPONSE_SHOWN_MAX);
}

/** TLS failures have codes of OpenSSL's or Node's; whatever else breaks a connection is a failed one. */
function errorOf(error: unknown): AttemptError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ETIMEDOUT') return 'TIMED_OUT';
  return /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO)/.test(code) ? 'TLS_FAILED' : 'CONNECTION_FAILED';
}
