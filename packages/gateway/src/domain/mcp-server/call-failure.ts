/** What kind of failure an error text describes, and what may help. */

export interface FailureClass {
  /** `permanent: …`, `transient: …` or `unknown: unclassified error`. */
  readonly reason: string;
  readonly recoveryHints: readonly string[];
}

interface Kind {
  readonly reason: string;
  readonly texts: readonly string[];
}

/** Trying again does not help: looked for first, in this order. */
const PERMANENT: readonly Kind[] = [
  {
    reason: 'authorization_error',
    texts: ['permission', 'access denied', 'unauthorized', 'forbidden'],
  },
  {
    reason: 'validation_error',
    texts: [
      'division by zero',
      'invalid argument',
      'invalid params',
      'value error',
      'valueerror',
      'type error',
      'typeerror',
    ],
  },
  { reason: 'configuration_error', texts: ['syntax error', 'syntaxerror', 'is missing'] },
  { reason: 'resource_error', texts: ['no such file'] },
  { reason: 'not_found_error', texts: ['not found', 'unknown tool', 'unknown_'] },
];

const TRANSIENT: readonly string[] = [
  'timeout',
  'timed out',
  'no answer',
  'connection refused',
  'connection reset',
  'broken pipe',
  'service unavailable',
  'network',
  'temporary',
  'malformed json',
  'the server ended',
];

const HINTS: Readonly<Record<string, readonly string[]>> = {
  authorization_error: [
    'Check the credentials that the server is given',
    'Check that the server may use what the call names',
  ],
  validation_error: ['Check the arguments against the schema of the tool'],
  configuration_error: ['Check the configuration of the server', 'Read what it wrote to stderr'],
  resource_error: ['Check that the file or resource exists where the server runs'],
  not_found_error: ['List the tools of the server and check the spelling'],
  transient: ['Try again', 'Check the state of the server'],
  unknown: ['Read what the server wrote to stderr', 'Try again with simpler arguments'],
};

export function classifyFailure(text: string): FailureClass {
  const lower = text.toLowerCase();
  const permanent = PERMANENT.find(({ texts }) => texts.some((part) => lower.includes(part)));
  if (permanent !== undefined)
    return { reason: `permanent: ${permanent.reason}`, recoveryHints: hints(permanent.reason) };
  const transient = TRANSIENT.find((part) => lower.includes(part));
  if (transient !== undefined)
    return { reason: `transient: ${transient}`, recoveryHints: hints('transient') };
  return { reason: 'unknown: unclassified error', recoveryHints: hints('unknown') };
}

const hints = (kind: string): readonly string[] => HINTS[kind] ?? [];
