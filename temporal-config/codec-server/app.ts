import cookie from '@fastify/cookie';
import cors from '@fastify/cors';
import rateLimit from '@fastify/rate-limit';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { Payload } from '@temporalio/common';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { PayloadNotOpened } from '../payload-codec.ts';
import { createBrowserSessions } from './browser-sessions.ts';
import type { CodecServerConfig } from './config.ts';
import { ApiUnavailable, type EngineApi, type Reader } from './engine-api.ts';
import { PAGE_POLICY, signedInPage, signInPage } from './pages.ts';
import { payloadFrom, payloadJson, PayloadsSchema } from './payload-json.ts';

/** A page of history as Temporal sends it is 4 MB at most; in base64, with room for what surrounds it. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;
const FORM_BYTES_MAX = 2 * 1024;
const REQUESTS_PER_10_S = 600;
const SIGN_INS_PER_MINUTE = 10;
const COOKIE = 'payload-reader';
const UNSAFE_FORM = 'This form was not sent from this page.';

/** Refusals that are told in one line; anything else is a defect, and its text stays in the log. */
class Refusal extends Error {
  readonly statusCode: number;
  constructor(statusCode: number, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

export interface CodecServerOptions extends Pick<CodecServerConfig, 'uiOrigins' | 'publicUrl' | 'codecs'> {
  api: EngineApi;
  logger: FastifyBaseLogger;
}

/**
 * Temporal's remote codec protocol for its Web UI and CLI: `POST /decode` and `POST /encode` of `{payloads: [...]}`, for whom the
 * engine's API takes as a reader of everything. Who asks shows an access token of the API (`Authorization: Bearer`), or the cookie of
 * this server's own sign-in page. Each request is judged by the API, so that a session that was ended opens nothing `REMEMBERED_MS`
 * later; while the API is away nobody reads. A payload that does not open is returned as it came, so that one lost key hides what it
 * sealed and no more. Stateless but for the browsers' sessions; the app does not listen yet.
 */
export async function buildCodecServer({ api, logger, uiOrigins, publicUrl, codecs }: CodecServerOptions): Promise<FastifyInstance> {
  const sessions = createBrowserSessions(api);
  const ownOrigin = publicUrl.origin;
  const cookieOptions = { httpOnly: true, sameSite: 'strict', path: '/', secure: publicUrl.protocol === 'https:' } as const;
  const app = Fastify({ loggerInstance: logger, logController: new LogController({ disableRequestLogging: true }), bodyLimit: BODY_BYTES_MAX, requestTimeout: 10_000, forceCloseConnections: 'idle' }).withTypeProvider<TypeBoxTypeProvider>();
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string', bodyLimit: FORM_BYTES_MAX }, (_request, body, done) => done(null, new URLSearchParams(String(body))));
  app.setErrorHandler((error, request, reply) => void answer(error, request, reply));

  app.addHook('onRequest', async (request, reply) => {
    // Under `no-referrer` a browser says `Origin: null` of this page's own forms, which are then refused (Fetch standard, "append a request `Origin` header").
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'referrer-policy': 'same-origin', 'content-security-policy': PAGE_POLICY });
    const { origin } = request.headers;
    if (origin !== undefined && origin !== ownOrigin && !uiOrigins.includes(origin)) throw new Refusal(403, 'This origin may not ask: CODEC_UI_ORIGINS does not name it.');
  });
  await app.register(rateLimit, { max: REQUESTS_PER_10_S, timeWindow: 10_000 });
  await app.register(cors, { origin: uiOrigins, credentials: true, methods: ['POST'], allowedHeaders: ['content-type', 'x-namespace', 'authorization'], maxAge: 600 });
  await app.register(cookie);

  async function accessTokenOf(request: FastifyRequest): Promise<string | null> {
    const { authorization } = request.headers;
    if (authorization !== undefined) return /^Bearer ([A-Za-z0-9._~+/=-]{1,4096})$/i.exec(authorization)?.[1] ?? null;
    const session = request.cookies[COOKIE];
    return session === undefined ? null : sessions.accessTokenOf(session);
  }

  async function readerOf(request: FastifyRequest): Promise<Reader> {
    const token = await accessTokenOf(request);
    const reader = token === null ? 'unauthenticated' : await api.readerOf(token);
    if (reader === 'unauthenticated') throw new Refusal(401, `Sign in at ${ownOrigin}/sign-in, or send an access token.`);
    if (reader === 'forbidden') throw new Refusal(403, 'Your account may not read payloads.');
    return reader;
  }

  const readers = new WeakMap<FastifyRequest, Reader>();
  /** Before the body is read. */
  const onlyReaders = async (request: FastifyRequest): Promise<void> => void readers.set(request, await readerOf(request));
  const note = (request: FastifyRequest, did: string, count: number, left: number): void =>
    request.log.info({ account: readers.get(request)?.accountId, namespace: request.headers['x-namespace'], count, left }, did);

  app.post('/decode', { onRequest: onlyReaders, schema: { body: PayloadsSchema } }, async (request) => {
    const opened = await Promise.all(request.body.payloads.map((payload) => open(payloadFrom(payload), request.log)));
    note(request, 'payloads opened', opened.length, opened.filter(({ left }) => left).length);
    return { payloads: opened.map(({ payload }) => payloadJson(payload)) };
  });

  app.post('/encode', { onRequest: onlyReaders, schema: { body: PayloadsSchema } }, async (request) => {
    let payloads = request.body.payloads.map(payloadFrom);
    for (const codec of codecs) payloads = await codec.encode(payloads);
    note(request, 'payloads sealed', payloads.length, 0);
    return { payloads: payloads.map(payloadJson) };
  });

  async function open(payload: Payload, log: FastifyBaseLogger): Promise<{ payload: Payload; left: boolean }> {
    try {
      let opened = [payload];
      for (const codec of codecs.toReversed()) opened = await codec.decode(opened);
      return { payload: opened[0] ?? payload, left: false };
    } catch (error) {
      if (!(error instanceof PayloadNotOpened)) throw error;
      log.warn({}, error.message);
      return { payload, left: true };
    }
  }

  app.get('/health', async () => ({ status: 'ok' }));

  app.get('/sign-in', async (request, reply) => {
    const session = request.cookies[COOKIE];
    const token = session === undefined ? null : await sessions.accessTokenOf(session);
    const reader = token === null ? null : await api.readerOf(token);
    return reply.type('text/html').send(reader === null || typeof reader === 'string' ? signInPage() : signedInPage(reader));
  });

  app.post('/sign-in', { config: { rateLimit: { max: SIGN_INS_PER_MINUTE, timeWindow: 60_000 } } }, async (request, reply) => {
    const form = formOf(request);
    const tokens = await api.signIn(form.get('email') ?? '', form.get('password') ?? '');
    if (tokens === 'wait') return reply.code(429).type('text/html').send(signInPage('Too many wrong passwords: wait a while, then try again.'));
    const reader = tokens === null ? 'unauthenticated' : await api.readerOf(tokens.accessToken);
    if (tokens === null || typeof reader === 'string') {
      if (tokens !== null) await api.signOut(tokens.refreshToken);
      const complaint = reader === 'forbidden' ? 'Your account may not read payloads.' : 'Email or password is wrong.';
      return reply.code(reader === 'forbidden' ? 403 : 401).type('text/html').send(signInPage(complaint));
    }
    await forget(request, reply);
    request.log.info({ account: reader.accountId }, 'a reader of payloads signed in');
    return reply.setCookie(COOKIE, sessions.open(tokens), cookieOptions).redirect('/sign-in', 303);
  });

  app.post('/sign-out', async (request, reply) => {
    formOf(request);
    await forget(request, reply);
    return reply.redirect('/sign-in', 303);
  });

  async function forget(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const session = request.cookies[COOKIE];
    if (session !== undefined) await sessions.close(session);
    reply.clearCookie(COOKIE, cookieOptions);
  }

  /** Only from a page of this server: a form that another site makes a browser send would sign its victim in as somebody else. */
  function formOf(request: FastifyRequest): URLSearchParams {
    if (request.headers.origin !== ownOrigin) throw new Refusal(403, UNSAFE_FORM);
    return request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
  }

  return app;
}

/** One line, whatever went wrong; what is not ours to tell stays in the log. */
function answer(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof ApiUnavailable) {
    request.log.warn({ error: error.cause }, error.message);
    return reply.code(503).send({ message: error.message });
  }
  const { statusCode = 500, message } = error as Partial<Refusal>;
  if (statusCode === 401) reply.header('www-authenticate', 'Bearer');
  if (statusCode < 500) return reply.code(statusCode).send({ message: message?.split('\n', 1)[0] });
  request.log.error({ error }, 'a request failed');
  return reply.code(500).send({ message: 'Something went wrong here.' });
}
