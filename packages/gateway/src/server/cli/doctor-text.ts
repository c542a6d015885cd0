/** What `doctor` found, as a person reads it: the worst first, each with its risk and what to do. */
import type { DoctorReport, FindingReport, ServerReport } from '../../application/doctor/report.ts';
import { LEVELS } from '../../domain/doctor/finding.ts';
import { counted, kilobytes } from '../../domain/doctor/tool-rules.ts';
import { harmless } from './harmless.ts';

const WIDTH_MIN = 40;
const INDENT = 11;

/** The whole report. @param widthMax cells of the terminal; undefined where it is none */
export function doctorText(report: DoctorReport, widthMax: number | undefined): string {
  const { installation, mcp_servers: servers } = report;
  const groups = [
    { title: 'installation', findings: installation.findings },
    ...servers.map((server) => ({ title: serverLine(server), findings: server.findings })),
  ];
  const ranked = groups.toSorted((a, b) => rankOf(a.findings) - rankOf(b.findings));
  const shown = ranked.filter(
    ({ title, findings }) => title !== 'installation' || findings.length > 0,
  );
  const blocks = shown.map(({ title, findings }) =>
    [
      wrapped(title, roomIn(widthMax) - 2).join('\n  '),
      ...findings.map((each) => findingText(each, widthMax)),
    ].join('\n'),
  );
  return [...spaced(blocks), '', ...wrapped(summaryLine(report), roomIn(widthMax))].join('\n');
}

/** `checked files: ok`, while others are still being checked. */
export const progressLine = ({ id, verdict }: ServerReport, done: number, all: number): string =>
  `checked ${id}: ${verdict} (${done} of ${all})`;

const rankOf = ([worst]: readonly FindingReport[]): number =>
  worst === undefined ? LEVELS.length : LEVELS.indexOf(worst.level);

/** Blocks of one line stand together. */
const spaced = (blocks: readonly string[]): readonly string[] =>
  blocks.flatMap((block, index) => {
    const before = blocks[index - 1];
    const isApart = before !== undefined && (before.includes('\n') || block.includes('\n'));
    return isApart ? ['', block] : [block];
  });

function serverLine(server: ServerReport): string {
  const { id, verdict, era, revision, tools, timings_ms: timings, command } = server;
  const facts: string[] = [];
  if (era !== null) facts.push(`${era} ${revision}`);
  if (server.server?.name != null)
    facts.push(`${server.server.name} ${server.server.version ?? ''}`.trim());
  if (tools !== null) {
    const size = `${kilobytes(tools.bytes)}, about ${tools.tokens_estimated} tokens`;
    facts.push(`${counted(tools.count, 'tool')} (${size})`);
  }
  if (timings.handshake !== null)
    facts.push(`start ${duration((timings.spawn ?? 0) + timings.handshake)}`);
  if (timings.first_list !== null) facts.push(`list ${duration(timings.first_list)}`);
  if (timings.call !== null) facts.push(`call ${duration(timings.call)}`);
  if (command !== null) facts.push(programOf(command));
  return [`${id}: ${verdict}`, ...facts].join(', ');
}

function programOf({
  file,
  via,
  runtime,
  runtime_version: version,
}: NonNullable<ServerReport['command']>): string {
  const what = runtime === null || version === null ? file : `${runtime} ${version} at ${file}`;
  return via === null ? what : `${what} (without ${via})`;
}

const duration = (ms: number): string =>
  ms < 1_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 100) / 10} s`;

function findingText(
  { level, id, message, risk, fix }: FindingReport,
  widthMax: number | undefined,
): string {
  const lines = [
    ...paragraph(level, `${message} [${id}]`, widthMax),
    ...paragraph('  risk', risk, widthMax),
    ...(fix === null ? [] : paragraph('  fix', fix, widthMax)),
  ];
  return lines.join('\n');
}

/** A word in front of a text, whose lines stand below each other. */
const paragraph = (word: string, text: string, widthMax: number | undefined): readonly string[] =>
  wrapped(text, roomIn(widthMax) - INDENT).map(
    (line, index) => (index === 0 ? `  ${word}` : '').padEnd(INDENT) + line,
  );

const roomIn = (widthMax: number | undefined): number =>
  widthMax === undefined ? Infinity : Math.max(WIDTH_MIN, widthMax);

/** A text in lines that fit, cut between words. */
function wrapped(text: string, room: number): readonly string[] {
  const lines: string[] = [''];
  for (const part of harmless(text).split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + 1 + part.length > room) lines.push(part);
    else lines[lines.length - 1] = last === '' ? part : `${last} ${part}`;
  }
  return lines;
}

function summaryLine({ summary }: DoctorReport): string {
  const parts = [
    [summary.ok, 'ok'],
    [summary.warning, 'with warnings'],
    [summary.error, 'with errors'],
    [summary.skipped, 'skipped'],
  ] as const;
  const shown = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  const servers = `${counted(summary.mcp_servers, 'MCP server')}${shown.length === 0 ? '' : `: ${shown.join(', ')}`}`;
  return `${servers}; ${counted(summary.errors, 'error')}, ${counted(summary.warnings, 'warning')}`;
}
