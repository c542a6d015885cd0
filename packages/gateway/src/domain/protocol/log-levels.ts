/** What a client may want to hear of, the most first. */
const LOG_LEVELS: ReadonlySet<unknown> = new Set([
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
]);

export const isLogLevel = (value: unknown): value is string => LOG_LEVELS.has(value);

export const LOG_LEVELS_TEXT = [...LOG_LEVELS].join(', ');
