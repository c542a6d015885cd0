/** What `doctor` found, in the form in which it is printed with `--json`. */
import { z } from 'zod';
import { FINDINGS, LEVELS, type Finding, type FindingId } from '../../domain/doctor/finding.ts';
import {
  judgeInstallation,
  type InstallationFacts,
} from '../../domain/doctor/installation-rules.ts';
import type { ServerCheck, Timings } from '../../domain/doctor/server-check.ts';
import { judgeServer, type Surroundings } from '../../domain/doctor/server-rules.ts';
import { estimatedTokens } from '../../domain/doctor/tool-rules.ts';

// Keys of an object literal.
const IDS = Object.keys(FINDINGS) as [FindingId, ...FindingId[]];

const FindingReport = z.object({
  id: z.enum(IDS),
  level: z.enum(LEVELS),
  message: z.string(),
  risk: z.string(),
  fix: z.string().nullable(),
});

const ms = z.number().nullable();

const ServerReport = z.object({
  id: z.string(),
  verdict: z.enum(['ok', 'warning', 'error', 'skipped']),
  era: z.enum(['legacy', 'modern']).nullable(),
  revision: z.string().nullable(),
  server: z.object({ name: z.string().nullable(), version: z.string().nullable() }).nullable(),
  capabilities: z.array(z.string()),
  command: z
    .object({
      configured: z.string(),
      file: z.string(),
      via: z.string().nullable(),
      runtime: z.string().nullable(),
      runtime_version: z.string().nullable(),
    })
    .nullable(),
  timings_ms: z.object({
    spawn: ms,
    handshake: ms,
    first_list: ms,
    second_list: ms,
    call: ms,
    stop: ms,
  }),
  tools: z
    .object({ count: z.number(), bytes: z.number(), tokens_estimated: z.number() })
    .nullable(),
  findings: z.array(FindingReport),
});

/** What `mcp-hangar doctor --json` prints: members and ids are added, never renamed or removed. */
export const DoctorReport = z.object({
  as_of: z.iso.datetime(),
  version: z.string(),
  installation: z.object({
    config: z.object({ path: z.string().nullable(), chosen_by: z.string().nullable() }),
    state_folder: z.string().nullable(),
    node_version: z.string(),
    gateway: z.object({
      state: z.enum([
        'absent',
        'running',
        'silent',
        'stopping',
        'other-version',
        'other-configuration',
      ]),
      pid: z.number().nullable(),
    }),
    findings: z.array(FindingReport),
  }),
  /** In the order of the configuration. */
  mcp_servers: z.array(ServerReport),
  summary: z.object({
    mcp_servers: z.number(),
    ok: z.number(),
    warning: z.number(),
    error: z.number(),
    skipped: z.number(),
    errors: z.number(),
    warnings: z.number(),
  }),
});
export type DoctorReport = z.infer<typeof DoctorReport>;
export type ServerReport = z.infer<typeof ServerReport>;
export type FindingReport = z.infer<typeof FindingReport>;

/** How a server is judged and told. */
export interface Telling extends Surroundings {
  /** Takes the secrets of a server out of what it says in names and schemas, too. */
  readonly cleanerOf: (server: string) => (text: string) => string;
}

export interface Diagnosed extends Telling {
  readonly nowMs: number;
  readonly version: string;
  readonly installation: InstallationFacts;
  /** Of clients' files. */
  readonly clientFindings: readonly Finding[];
  readonly servers: readonly ServerCheck[];
}

/** Judges everything that was seen. */
export function doctorReport(seen: Diagnosed): DoctorReport {
  const { installation } = seen;
  const servers = seen.servers.map((check) => serverReport(check, seen));
  const found = [...judgeInstallation(installation), ...seen.clientFindings].map(findingReport);
  const all = [...found, ...servers.flatMap(({ findings }) => findings)];
  const having = (verdict: ServerReport['verdict']): number =>
    servers.filter((server) => server.verdict === verdict).length;
  const { config, state, gateway, nodeVersion } = installation;
  return {
    as_of: new Date(seen.nowMs).toISOString(),
    version: seen.version,
    installation: {
      config: { path: config.path ?? null, chosen_by: config.chosenBy ?? null },
      state_folder: state.folder ?? null,
      node_version: nodeVersion,
      gateway: { state: gateway.kind, pid: gateway.kind === 'running' ? gateway.pid : null },
      findings: found,
    },
    mcp_servers: servers,
    summary: {
      mcp_servers: servers.length,
      ok: having('ok'),
      warning: having('warning'),
      error: having('error'),
      skipped: having('skipped'),
      errors: all.filter(({ level }) => level === 'error').length,
      warnings: all.filter(({ level }) => level === 'warning').length,
    },
  };
}

/** One server of the report, as soon as it was checked. */
export function serverReport(check: ServerCheck, telling: Telling): ServerReport {
  const { hello, command, list } = check;
  const clean = telling.cleanerOf(check.configured.id);
  const findings = judgeServer(check, telling).map((found) => {
    const { message, fix, ...rest } = findingReport(found);
    return { ...rest, message: clean(message), fix: fix === null ? null : clean(fix) };
  });
  return {
    id: check.configured.id,
    verdict: check.notStarted === 'disabled' ? 'skipped' : verdictOf(findings),
    era: hello?.era ?? null,
    revision: hello?.revision ?? null,
    server:
      hello === undefined ? null : { name: hello.name ?? null, version: hello.version ?? null },
    capabilities: [...(hello?.capabilities ?? [])],
    command:
      command === undefined
        ? null
        : {
            configured: command.configured,
            file: command.file,
            via: command.via ?? null,
            runtime: command.runtime ?? null,
            runtime_version: command.runtimeVersion ?? null,
          },
    timings_ms: timingsOf(check.timings),
    tools:
      list === undefined
        ? null
        : {
            count: list.tools.length,
            bytes: list.bytes,
            tokens_estimated: estimatedTokens(list.bytes),
          },
    findings,
  };
}

function verdictOf(findings: readonly FindingReport[]): ServerReport['verdict'] {
  const worst = findings[0]?.level;
  return worst === undefined || worst === 'info' ? 'ok' : worst;
}

const findingReport = ({ fix, ...rest }: Finding): FindingReport => ({ ...rest, fix: fix ?? null });

const timingsOf = (timings: Timings): ServerReport['timings_ms'] => ({
  spawn: rounded(timings.spawn),
  handshake: rounded(timings.handshake),
  first_list: rounded(timings.firstList),
  second_list: rounded(timings.secondList),
  call: rounded(timings.call),
  stop: rounded(timings.stop),
});

const rounded = (value: number | undefined): number | null =>
  value === undefined ? null : Math.round(value * 10) / 10;
