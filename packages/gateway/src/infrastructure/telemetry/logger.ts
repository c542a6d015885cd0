import { pino, type Logger as PinoLogger } from 'pino';
import type { Logger } from '../../application/ports.ts';

export interface LoggerOptions {
  readonly level: string;
  readonly json: boolean;
  /** Where lines go: stderr, because stdout may be the protocol. */
  readonly destination: { write(line: string): void };
}

/** Keys whose values are never written, at any depth that we log. */
const SECRET_KEYS = [
  'password',
  'secret',
  'token',
  'api_key',
  'apiKey',
  'authorization',
  'credential',
  'env',
];
const REDACTED = SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);

/** Structured log lines: `(fields, event)`. Not JSON means one readable line each. */
export function createLogger({ level, json, destination }: LoggerOptions): Logger {
  const logger: PinoLogger = pino(
    {
      level,
      base: { service: 'mcp-hangar' },
      messageKey: 'event',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED, censor: '[secret]' },
    },
    json ? destination : { write: (line: string) => destination.write(readable(line)) },
  );
  return {
    debug: (fields, event) => logger.debug(fields, event),
    info: (fields, event) => logger.info(fields, event),
    warn: (fields, event) => logger.warn(fields, event),
    error: (fields, event) => logger.error(fields, event),
  };
}

function readable(line: string): string {
  const {
    timestamp,
    time,
    level,
    event,
    service: _,
    ...fields
  } = JSON.parse(line) as Record<string, unknown>;
  const clock = String(timestamp ?? time).slice(11, 23);
  const details = Object.entries(fields).map(([key, value]) => `${key}=${shown(value)}`);
  return `${clock} ${String(level).toUpperCase().padEnd(5)} ${[String(event), ...details].join(' ')}\n`;
}

/** What a server says must not end a line of the log, begin another one, or steer a terminal. */
function shown(value: unknown): string {
  const text =
    typeof value === 'string' && value.search(CONTROLS) === -1 ? value : JSON.stringify(value);
  return text.replaceAll(
    CONTROLS,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROLS = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/g;
