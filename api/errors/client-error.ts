import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { CORRELATION_HEADER, correlationIdFrom } from '../correlation.ts';
import { EngineError } from '../../domain/errors.ts';
import { BARE_HEADERS } from './bare-headers.ts';
import { errorAnswer } from './body.ts';

const HEADERS_TOO_LARGE = 431;

/** Answers bytes that are no HTTP request in the one error shape, and ends the connection. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const correlationId = correlationIdFrom({});
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const { statusCode: status, body } = errorAnswer(
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? new EngineError('REQUEST_TIMEOUT') : new EngineError('VALIDATION_FAILED', { field: 'request', reason: tooLarge ? 'headers-too-large' : 'malformed' }),
    'ko',
    correlationId,
  );
  const statusCode = tooLarge ? HEADERS_TOO_LARGE : status;
  const text = JSON.stringify(body);
  const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text), 'content-language': 'ko', ...BARE_HEADERS, [CORRELATION_HEADER]: correlationId, connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode]}\r\n${lines.join('')}\r\n${text}`);
}
