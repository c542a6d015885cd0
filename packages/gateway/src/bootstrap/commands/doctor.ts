/** `mcp-hangar doctor`: looks at the installation, starts each server beside the gateway, and says what is wrong. */
import { createHash } from 'node:crypto';
import { getCompileCacheDir } from 'node:module';
import { Fault } from '@mcp-hangar/kernel/errors';
import { atMost } from '../../application/at-most.ts';
import {
  doctorReport,
  serverReport,
  type DoctorReport,
  type Telling,
} from '../../application/doctor/report.ts';
import type { Logger } from '../../application/ports.ts';
import type { Finding } from '../../domain/doctor/finding.ts';
import type { InstallationFacts } from '../../domain/doctor/installation-rules.ts';
import type { ServerCheck } from '../../domain/doctor/server-check.ts';
import { redactor } from '../../domain/mcp-server/redactor.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import { nearest } from '../../domain/near-names.ts';
import { isObject, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import { META, MODERN_REVISION } from '../../domain/protocol/revisions.ts';
import { checkServer, type CheckOptions } from '../../infrastructure/doctor/check-server.ts';
import { gatewayFacts, portFacts } from '../../infrastructure/doctor/gateway-facts.ts';
import { othersMayWrite, stateFacts } from '../../infrastructure/doctor/state-facts.ts';
import { databaseFacts, logFacts } from '../../infrastructure/doctor/store-facts.ts';
import { createGuardian } from '../../infrastructure/launcher/guardian.ts';
import type { DoctorFlags } from '../../server/cli/commands/doctor.ts';
import { doctorText, progressLine } from '../../server/cli/doctor-text.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { findConfigText, type FoundConfig } from '../find-config.ts';
import { interruptible } from '../interrupt.ts';
import { INFO, newLauncher } from '../launcher.ts';
import { durablePlace, isPlaced } from '../open-store.ts';
import { USER_ERROR } from '../exit-codes.ts';
import { print, say } from '../say.ts';
import { chooseState } from '../start.ts';
import { VERSION } from '../version.ts';
import { loadForDoctor, type LoadedForDoctor } from './doctor-config.ts';

/** Servers that are started at one time. */
const CHECKS_MAX = 4;
const TIMEOUT_S_MAX = 3_600;
const KNOWN_MAX = 20;
/** Whoever runs the command does not run the gateway's log. */
const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Prints what is wrong. Answers the exit code. */
export async function doctor(ids: readonly string[], flags: DoctorFlags): Promise<number> {
  const wanted = wishes(ids, flags);
  const config = await findConfigText(flags.config, 'CONFIG_MISSING');
  const loaded = loadForDoctor({ ...config, env: process.env });
  const servers = chosen(ids, loaded);
  const installation = await installationFacts(flags, config, loaded);
  return interruptible(async (signal) => {
    const checks = await checkAll(servers, loaded, { ...wanted, signal });
    if (signal.aborted) {
      say('mcp-hangar: interrupted; what was started has ended');
      return 0;
    }
    const report = doctorReport({
      nowMs: Date.now(),
      version: VERSION,
      ...tellingOf(servers),
      installation,
      clientFindings: clientFindings(),
      servers: checks,
    });
    await print(
      flags.json === true ? JSON.stringify(report) : doctorText(report, process.stdout.columns),
    );
    return exitCode(report);
  });
}

function tellingOf(servers: readonly McpServerSpec[]): Telling {
  const cleaners = new Map(servers.map(({ id, secrets }) => [String(id), redactor(secrets)]));
  return { hash, cleanerOf: (id) => cleaners.get(id) ?? redactor([]) };
}

const exitCode = ({ summary }: DoctorReport): number => (summary.errors > 0 ? USER_ERROR : 0);

/** What is wrong with the files of clients. */
const clientFindings = (): readonly Finding[] => [];

interface Wishes {
  readonly call: CheckOptions['call'];
  readonly startMsMax: number | undefined;
}

/** @throws Fault INPUT_INVALID */
function wishes(ids: readonly string[], flags: DoctorFlags): Wishes {
  const { call, timeout, arguments: given } = flags;
  const seconds = timeout === undefined ? undefined : Number(timeout);
  if (seconds !== undefined && !(seconds > 0 && seconds <= TIMEOUT_S_MAX))
    throw wrong('timeout', `--timeout "${timeout}" is no number of seconds up to ${TIMEOUT_S_MAX}`);
  if (call !== undefined && ids.length !== 1)
    throw wrong(
      'call',
      '--call names a tool of one server',
      `mcp-hangar doctor SERVER --call ${call}`,
    );
  if (given !== undefined && call === undefined)
    throw wrong('arguments', '--arguments are those of a call', 'name the tool with --call TOOL');
  return {
    call: call === undefined ? undefined : { tool: call, args: argumentsIn(given ?? '{}') },
    startMsMax: seconds === undefined ? undefined : seconds * 1_000,
  };
}

function argumentsIn(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // The same message.
  }
  throw wrong('arguments', '--arguments is no JSON object', `such as --arguments '{"path":"."}'`);
}

const wrong = (field: string, message: string, fix?: string): Fault =>
  new Fault('INPUT_INVALID', message, { data: { field, ...(fix === undefined ? {} : { fix }) } });

/** @throws Fault MCP_SERVER_UNKNOWN */
function chosen(ids: readonly string[], { config }: LoadedForDoctor): readonly McpServerSpec[] {
  if (config === undefined) return [];
  const known = config.servers.map(({ id }) => String(id));
  for (const id of ids) {
    if (known.includes(id)) continue;
    const meant = nearest(id, known);
    const fix =
      meant === undefined
        ? `known: ${known.slice(0, KNOWN_MAX).join(', ') || 'none'}`
        : `did you mean "${meant}"?`;
    const message = `no MCP server has the id "${id}"`;
    throw new Fault('MCP_SERVER_UNKNOWN', message, { data: { name: id, fix } });
  }
  return ids.length === 0 ? config.servers : config.servers.filter(({ id }) => ids.includes(id));
}

async function installationFacts(
  flags: DoctorFlags,
  found: FoundConfig,
  { config, problems }: LoadedForDoctor,
): Promise<InstallationFacts> {
  const { path, chosenBy } = found;
  const state = chooseState(flags, found);
  const isOpen = state.kind === 'folder';
  const gateway = isOpen
    ? await gatewayFacts(state.folder, state.digest)
    : ({ kind: 'absent' } as const);
  return {
    config: {
      path,
      chosenBy,
      problems,
      notices: config?.notices ?? [],
      othersMayWrite: path !== undefined && othersMayWrite(path),
    },
    state: isOpen ? stateFacts(state.folder) : { ...NO_STATE, problem: state.reason },
    store: await storeFacts(isOpen ? state.folder : undefined, config),
    gateway,
    port: config === undefined ? undefined : await portFacts(config.http.port, gateway),
    nodeVersion: process.versions.node,
    keepsCompiledCode: getCompileCacheDir() !== undefined,
  };
}

const NO_STATE = { folder: undefined, othersMayLook: false, freeBytes: undefined } as const;

async function storeFacts(
  folder: string | undefined,
  config: GatewayConfig | undefined,
): Promise<InstallationFacts['store']> {
  if (config?.eventLog.isEnabled !== true) return { kind: 'none' };
  const place = durablePlace(config.persistence, folder);
  if (place === undefined) return { kind: 'none' };
  if (place.kind === 'postgresql') return databaseFacts(place);
  return logFacts(place.path, isPlaced(config.persistence));
}

interface CheckWishes extends Wishes {
  readonly signal: AbortSignal;
}

/** Checks the servers, a few at a time, in the order of the configuration. */
async function checkAll(
  servers: readonly McpServerSpec[],
  { config, envUnset }: LoadedForDoctor,
  { call, startMsMax, signal }: CheckWishes,
): Promise<readonly ServerCheck[]> {
  if (config === undefined) return [];
  const { env } = process;
  const clock = { nowMs: () => Date.now() };
  await using guardian = createGuardian({ path: env['PATH'], onProblem: () => undefined });
  const options: CheckOptions = {
    launcherFor: (onChild) =>
      newLauncher(config, { env, guardian, clock, logger: SILENT, onChild }),
    env,
    modernMeta: MODERN_META,
    call,
    signal,
  };
  const checks = new Map<McpServerSpec, ServerCheck>();
  const telling = tellingOf(servers);
  await atMost(CHECKS_MAX, servers, async (spec) => {
    if (signal.aborted) return;
    const startupTimeoutMs = Math.min(spec.startupTimeoutMs, startMsMax ?? Infinity);
    const unset = envUnset.get(spec.id) ?? [];
    const check = await checkServer({ ...spec, startupTimeoutMs }, unset, options);
    checks.set(spec, check);
    if (process.stderr.isTTY && !signal.aborted)
      say(progressLine(serverReport(check, telling), checks.size, servers.length));
  });
  return servers.flatMap((spec) => checks.get(spec) ?? []);
}

const MODERN_META = {
  _meta: {
    [META.protocolVersion]: MODERN_REVISION,
    [META.clientCapabilities]: {},
    [META.clientInfo]: INFO,
  },
};
