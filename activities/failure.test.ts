import { ApplicationFailure, CancelledFailure } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it, vi } from 'vitest';
import { EngineError, ERROR_CATALOGUE, ERROR_CODES } from '../domain/errors.ts';
import { RpcAnswerError } from './chain/rpc.ts';
import { failureToTell, moneyActivity } from './failure.ts';

interface Line {
  level: string;
  fields: object;
}

async function failing(error: unknown): Promise<{ failure: ApplicationFailure; lines: Line[] }> {
  const lines: Line[] = [];
  const to = (level: string) => (fields: object) => void lines.push({ level, fields });
  const activity = moneyActivity('pay', { info: to('info'), warn: to('warn'), error: to('error') }, () => Promise.reject(error as Error));
  const failure: unknown = await activity({ requestId: 'tx-1-a' }).catch((thrown: unknown) => thrown);
  return { failure: failure as ApplicationFailure, lines };
}

const driverError = (code: string) => Object.assign(new Error('read failed'), { code });

describe('what is told of a failure where everything is tried again', () => {
  it.each([
    ['a database that is away', new Error('Failed query: select s3cret', { cause: driverError('ECONNREFUSED') }), 'SERVICE_UNAVAILABLE'],
    ['a node that refuses', new RpcAnswerError('eth_call', { code: -32000, message: 's3cret' }), 'CHAIN_UNAVAILABLE'],
    ['a code of ours', new EngineError('HALTED', { target: 's3cret' }), 'HALTED'],
    ['anything else', new TypeError('s3cret'), 'INTERNAL'],
  ])('of %s its code and no word more; the log has the rest', (_name, error, code) => {
    const warn = vi.fn<(fields: object, message: string) => void>();
    const failure = failureToTell({ warn }, error, 'not looked at', { wallet: '0x1' });
    expect(failure).toMatchObject({ type: code, message: code, nonRetryable: false });
    expect(JSON.stringify([failure, failure.message, failure.details, String(failure.cause)])).not.toContain('s3cret');
    expect(warn).toHaveBeenCalledExactlyOnceWith({ wallet: '0x1', code, error }, 'not looked at');
  });
});

describe('what leaves a failed activity', () => {
  it.each(ERROR_CODES)('%s goes out under its own code, retried only when transient', async (code) => {
    const { failure, lines } = await failing(new EngineError(code, { wallet: '0x1' }));
    expect(failure).toBeInstanceOf(ApplicationFailure);
    expect(failure.type).toBe(code);
    expect(failure.nonRetryable).toBe(ERROR_CATALOGUE[code].class !== 'transient');
    expect(failure.details).toEqual([{ class: ERROR_CATALOGUE[code].class, parameters: { wallet: '0x1' } }]);
    expect(lines.map(({ level }) => level)).toEqual([ERROR_CATALOGUE[code].class === 'unknown' ? 'error' : 'warn']);
  });

  it.each([
    ['a refused connection', driverError('ECONNREFUSED')],
    ['a connection lost by the driver', driverError('PROTOCOL_CONNECTION_LOST')],
    ['a lock wait that never ended', driverError('ER_LOCK_WAIT_TIMEOUT')],
    ['the same wrapped by the query builder', new Error('Failed query: select 1', { cause: driverError('ECONNRESET') })],
    ['a Redis that is away', new Error('Connection is closed.')],
    ['a Redis that does not answer', new Error('Command timed out')],
  ])('%s is transient', async (_name, error) => {
    const { failure } = await failing(error);
    expect(failure).toMatchObject({ type: 'SERVICE_UNAVAILABLE', nonRetryable: false, details: [{ class: 'transient' }] });
  });

  it('a read that a node refuses is transient', async () => {
    const { failure } = await failing(new RpcAnswerError('eth_getBalance', { code: -32000, message: 'header not found' }));
    expect(failure).toMatchObject({ type: 'CHAIN_UNAVAILABLE', nonRetryable: false });
  });

  it('anything else is unknown, and its text stays out of the history', async () => {
    const secret = 'Duplicate entry s3cret for key';
    const { failure, lines } = await failing(new TypeError(secret));
    expect(failure).toMatchObject({ type: 'INTERNAL', nonRetryable: true, details: [{ class: 'unknown', parameters: {} }] });
    expect(JSON.stringify([failure.message, failure.details, String(failure.cause)])).not.toContain(secret);
    expect(lines).toMatchObject([{ level: 'error', fields: { activity: 'pay', requestId: 'tx-1-a', code: 'INTERNAL', error: { message: secret } } }]);
  });

  it('a full window is tried again in a second and alarms nobody', async () => {
    const { failure } = await failing(new EngineError('WINDOW_FULL'));
    expect(failure).toMatchObject({ nextRetryDelay: '1s', category: 'BENIGN' });
  });

  it.each([new CancelledFailure('stopped'), ApplicationFailure.nonRetryable('said before', 'SEAL_BROKEN')])('passes on what is a failure of Temporal already', async (error) => {
    expect((await failing(error)).failure).toBe(error);
  });

  it('heartbeats every two seconds while it runs, and no longer', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const environment = new MockActivityEnvironment();
      let beats = 0;
      environment.on('heartbeat', () => {
        beats += 1;
      });
      const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
      const { promise, resolve } = Promise.withResolvers<string>();
      const running = environment.run(moneyActivity('pay', log, () => promise), { requestId: 'tx-1-a' });
      vi.advanceTimersByTime(6_000);
      expect(beats).toBe(3);
      resolve('done');
      expect(await running).toBe('done');
      vi.advanceTimersByTime(60_000);
      expect(beats).toBe(3);
    } finally {
      vi.useRealTimers();
    }
  });
});
