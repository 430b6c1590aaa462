import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { CORRELATION_HEADER, correlationIdFrom } from '../correlation.ts';
import { EngineError } from '../../domain/errors.ts';
import { errorAnswer } from './body.ts';

/** HTTP statuses for what breaks before there is a request: its header is too large, or it never arrives whole. */
const STATUS_OF: Partial<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/** Answers bytes that are no HTTP request in the one error shape, and ends the connection. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const statusCode = STATUS_OF[error.code ?? ''] ?? 400;
  const correlationId = correlationIdFrom({});
  const { body } = errorAnswer(new EngineError('VALIDATION_FAILED', { field: 'request', reason: 'malformed' }), 'ko', correlationId);
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode]}\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(text)}\r\n` +
      `${CORRELATION_HEADER}: ${correlationId}\r\nconnection: close\r\n\r\n${text}`,
  );
}
