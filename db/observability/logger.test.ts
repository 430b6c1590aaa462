import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createLogger, type LogLevel } from './logger.ts';

function captured(level: LogLevel = 'DEBUG') {
  const text: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text.push(chunk.toString('utf8'));
      done();
    },
  });
  const lines = () => text.join('').trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  return { logger: createLogger({ service: 'api-server', level }, destination), lines, text: () => text.join('') };
}

describe('createLogger', () => {
  it('writes the five fields of every line, once each', () => {
    const { logger, lines, text } = captured();
    logger.child({ correlationId: 'order-0001' }).warn('slow');
    expect(lines()[0]).toMatchObject({ service: 'api-server', level: 'WARN', message: 'slow', correlationId: 'order-0001' });
    expect(Date.parse(String(lines()[0]?.['timestamp']))).toBeGreaterThan(0);
    expect(text().match(/correlationId/g)).toHaveLength(1);
  });

  it('gives a line of the process itself the id of its run', () => {
    const { logger, lines } = captured();
    logger.info('ready');
    logger.error('no');
    expect(lines()[0]?.['correlationId']).toMatch(/^run-[0-9a-f]{16}$/);
    expect(lines()[1]?.['correlationId']).toBe(lines()[0]?.['correlationId']);
  });

  it('writes the fields of a line into no later line', () => {
    const { logger, lines } = captured();
    const child = logger.child({ correlationId: 'order-0001' });
    for (const each of [logger, child]) {
      each.error({ requestId: 'tx-1', error: new Error('no') }, 'first');
      each.info({ other: 1 }, 'second');
    }
    expect(lines().map((line) => [line['requestId'], 'error' in line, line['other']])).toEqual([
      ['tx-1', true, undefined],
      [undefined, false, 1],
      ['tx-1', true, undefined],
      [undefined, false, 1],
    ]);
  });

  it.each([
    ['a text', 'a text', { type: 'string', message: 'a text' }],
    ['a failed query as text', 'Failed query: select 1\nparams: secret', { type: 'string', message: 'Failed query: select 1' }],
    ['null', null, { type: 'object', message: '[object Null]' }],
    ['a number', 5, { type: 'number', message: '[object Number]' }],
    ['a symbol', Symbol('x'), { type: 'symbol', message: '[object Symbol]' }],
    ['an object of no class', Object.create(null), { type: 'object', message: '[object Object]' }],
    ['an error of another realm', { message: 'far', stack: 'Error: far' }, { message: 'far', stack: 'Error: far' }],
  ])('writes whatever was thrown: %s', (_name, error: unknown, written) => {
    const { logger, lines } = captured();
    logger.warn({ error }, 'failed');
    expect(lines()[0]).toMatchObject({ level: 'WARN', message: 'failed', error: written });
  });

  it('knows four levels and drops what is below its own', () => {
    const { logger, lines } = captured('INFO');
    logger.debug('unseen');
    logger.fatal('seen');
    expect(lines()).toHaveLength(1);
    expect(lines()[0]?.['level']).toBe('ERROR');
  });

  it('writes no secret and no query parameter', () => {
    const { logger, text } = captured();
    logger.info({ password: 'hunter2', headers: { authorization: 'Bearer hunter2' }, body: { tokens: { refreshToken: 'hunter2' } } }, 'request');
    logger.error({ error: Object.assign(new Error('Failed query: insert into users\nparams: hunter2,1'), { params: ['hunter2'], cause: new Error('down') }) }, 'failed');
    expect(text()).not.toContain('hunter2');
    expect(text()).toContain('insert into users');
    expect(text()).toContain('down');
  });
});
