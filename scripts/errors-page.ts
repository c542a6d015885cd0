// The page of errors, from the one catalogue. Which of them this build raises is read from the sources.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERRORS } from '../packages/kernel/src/error-catalogue.ts';
import { exitCodeOf, type ErrorCode } from '../packages/kernel/src/errors.ts';
import { REMEDIES } from '../packages/kernel/src/remedies.ts';
import { ROOT } from './run-command.ts';

/** Errors that the HTTP front gives before it looks at the message. */
const REFUSES_EXCHANGE: ReadonlySet<string> = new Set<ErrorCode>([
  'BODY_TOO_LARGE',
  'CONTENT_TYPE_UNSUPPORTED',
  'METHOD_NOT_ALLOWED',
  'NOT_ACCEPTABLE',
  'PATH_UNKNOWN',
  'PROTOCOL_VERSION_UNSUPPORTED',
  'REQUEST_FORBIDDEN',
  'SESSIONS_FULL',
  'SESSION_MISSING',
  'SESSION_UNKNOWN',
  'STREAMS_FULL',
]);

/** Codes that a text only compares with, or lists: that raises nothing. */
const LOOKED_FOR = /(?:[=!]==|\bcase)\s*'[A-Z_]+'|\bnew Set(?:<[^>]*>)?\(\[[^\]]*\]\)/g;

/** Whether a source raises the code: it stands there, and not only to be recognised. */
export const raises = (source: string, code: string): boolean =>
  source.replaceAll(LOOKED_FOR, '').includes(`'${code}'`);

/** Codes that stand in the catalogue for later parts, or for nothing. */
export function unraisedCodes(): readonly ErrorCode[] {
  const files = globSync('packages/*/src/**/*.ts', {
    cwd: ROOT,
    exclude: (path) => /\.test\.ts$|kernel[\\/]src[\\/](?:errors|remedies)\.ts$/.test(path),
  });
  const sources = files.map((file) => readFileSync(join(ROOT, file), 'utf8'));
  return codes().filter((code) => !sources.some((source) => raises(source, code)));
}

// The keys of an object are texts; these are the ones that it was made of.
const codes = (): readonly ErrorCode[] => (Object.keys(ERRORS) as ErrorCode[]).toSorted();

const EXIT_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [0, 'Done, or a server that was asked to end.'],
  [1, 'Asked wrongly: an option, a file, a name or a configuration that cannot be used.'],
  [2, 'The system, a server or the gateway failed.'],
  [3, 'No gateway runs for the configuration, or it is stopping.'],
  [130, 'Interrupted with Ctrl-C; for a gateway, by the second signal while it stops.'],
];

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function codeRow(code: ErrorCode, isRaised: boolean): string {
  const { http, jsonRpc, retryable, title } = ERRORS[code];
  return row([
    `\`${code}\``,
    isRaised ? title : `${title} *Not raised in this build.*`,
    REMEDIES[code].replaceAll('|', '\\|'),
    REFUSES_EXCHANGE.has(code) ? String(http) : '',
    String(jsonRpc),
    String(exitCodeOf(code)),
    retryable ? 'yes' : 'no',
  ]);
}

/** @param head the line that says who writes the page */
export function errorsPage(head: string): string {
  const unraised = new Set<string>(unraisedCodes());
  return `${head}

# Errors

One catalogue for all surfaces. The code is stable: branch on it, not on the message.

| Where | The code |
| --- | --- |
| A JSON-RPC error of the gateway | \`data.code\`; \`data.retryable\` says whether the same call may succeed later |
| A result of the gateway's own [tools](tools.md) | \`structuredContent.error_type\` |
| A command with \`--json\` | \`error.code\` on stdout, beside \`error.message\` and where there is one \`error.fix\` |
| A program that embeds the gateway | \`HangarError.code\`, with \`isRetryable\` and \`remedy\` |
| The [event log](../guides/events.md) | \`error_type\` of \`ToolInvocationFailed\` |

What a server answers, errors included, is not of the gateway and passes unchanged.

## HTTP

An error with a status in the table refuses the HTTP request itself. The others are JSON-RPC answers: towards clients of
the legacy revisions with status 200, as every JSON-RPC answer has; towards clients of 2026-07-28 \`GATEWAY_BUSY\` and
\`GATEWAY_STOPPING\` have status 503, the others 200. (Errors of the protocol itself, such as an unknown method or a
header that does not agree with the body, have the status that the revision asks for.)

## Codes

${row(['Code', 'Meaning', 'What to do', 'HTTP', 'JSON-RPC', 'Exit code', 'Retryable'])}
${row(['---', '---', '---', '---', '---', '---', '---'])}
${codes()
  .map((code) => codeRow(code, !unraised.has(code)))
  .join('\n')}

## Exit codes

A command that ends with one of these errors has the exit code of the table above.

${row(['Exit code', 'Meaning'])}
${row(['---', '---'])}
${EXIT_CODES.map(([code, meaning]) => row([String(code), meaning])).join('\n')}

\`mcp-hangar events verify\` ends with 1 where the log is not whole. What goes wrong is a sentence on stderr, with a
second line that says what to do; data goes to stdout alone.
`;
}
