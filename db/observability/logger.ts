import { randomBytes } from 'node:crypto';
import { pino, stdSerializers, type DestinationStream, type Logger } from 'pino';

const LOG_LEVELS = ['ERROR', 'WARN', 'INFO', 'DEBUG'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type { Logger } from 'pino';

/** Reads LOG_LEVEL, in capitals or not; `INFO` where it is not set. Throws one line for any other word. */
export function logLevelFrom(env: NodeJS.ProcessEnv): LogLevel {
  const text = (env['LOG_LEVEL'] || 'INFO').toUpperCase();
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) throw new Error('LOG_LEVEL must be ERROR, WARN, INFO or DEBUG.');
  return level;
}

/** pino has two levels more; a reader of our logs meets four. */
const LEVEL_LABELS: Record<string, LogLevel> = { fatal: 'ERROR', error: 'ERROR', warn: 'WARN', info: 'INFO', debug: 'DEBUG', trace: 'DEBUG' };

const SECRET_FIELDS = ['authorization', 'cookie', 'password', 'passwordHash', 'accessToken', 'refreshToken', 'token', 'privateKey', 'sealKey', 'secret'];
const REDACTED_PATHS = [...SECRET_FIELDS, ...SECRET_FIELDS.map((field) => `*.${field}`), ...SECRET_FIELDS.map((field) => `*.*.${field}`)];

const PARAMETERS_PATTERN = /\nparams:[^\n]*/g;

/**
 * A failed query carries its parameters, and those may be token hashes or a person's address: only the statement is logged. What
 * was thrown may be anything, and libraries give texts as errors: a line that cannot be written would end the process.
 */
function serialiseError(error: unknown): Record<string, unknown> {
  if (!isErrorLike(error)) return { type: typeof error, message: (typeof error === 'string' ? error : Object.prototype.toString.call(error)).replace(PARAMETERS_PATTERN, '') };
  const { type, message, stack } = stdSerializers.err(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return { type, message: message.replace(PARAMETERS_PATTERN, ''), stack: stack.replace(PARAMETERS_PATTERN, ''), ...(code === undefined ? {} : { code }) };
}

/** Errors of another realm, a workflow's, are no instances of ours. */
function isErrorLike(value: unknown): value is Error {
  return typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string';
}

/**
 * A logger of JSON lines `timestamp, correlationId, service, level, message`. Work done for one request or withdrawal
 * logs through `logger.child({ correlationId })`; a line of the process itself carries an id of this run. Values of
 * fields that name a secret are replaced.
 * @param destination where lines go, standard output unless given
 */
export function createLogger(options: { service: string; level: LogLevel }, destination?: DestinationStream): Logger {
  const runId = `run-${randomBytes(8).toString('hex')}`;
  const ownCorrelation = new WeakMap<Logger, object>();
  return pino(
    {
      level: options.level.toLowerCase(),
      base: { service: options.service },
      messageKey: 'message',
      errorKey: 'error',
      timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: LEVEL_LABELS[label] ?? 'INFO' }) },
      serializers: { error: serialiseError, err: serialiseError },
      redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
      // A child's binding would stand twice in the line if the base had one too.
      mixin: (line, _level, logger) => {
        if ('correlationId' in line) return {};
        let fields = ownCorrelation.get(logger);
        if (fields === undefined) {
          fields = 'correlationId' in logger.bindings() ? {} : { correlationId: runId };
          ownCorrelation.set(logger, fields);
        }
        // pino writes the line's own fields into what it is given: a copy, or they would appear in every later line.
        return { ...fields };
      },
    },
    destination ?? pino.destination({ fd: 1, sync: true }),
  );
}
