/** The process as a gateway: from a configuration's text to something that serves, and back to nothing. */
import { statSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import type { DescribeConfiguration } from '../application/ports.ts';
import { isSame } from '../domain/mcp-server/spec-change.ts';
import type { OwnerFacts } from '../domain/local-socket/greeting.ts';
import { recordOwner } from '../infrastructure/state/socket-path.ts';
import type { Place } from '../infrastructure/state/place.ts';
import { reasonOf, type StateFolder } from '../infrastructure/state/state-folder.ts';
import { OwnerSocket, type OwnerServices } from '../server/local-socket/owner-socket.ts';
import { compose, type Gateway } from './compose.ts';
import type { GatewayConfig } from './config/gateway-config.ts';
import { loadGatewayConfig } from './config/load-config.ts';
import { deadServers } from './dead-servers.ts';
import { whenAsked } from './ending.ts';
import { configFault, tellFailure } from './outcome.ts';
import { platformNote } from './platform.ts';
import { ServedFile } from './reload/served-file.ts';
import { ConfigWatch } from './reload/watch.ts';
import { say, tellDefect } from './say.ts';
import { overridesOf, type Start } from './start.ts';
import { VERSION } from './version.ts';

/**
 * How much the heap may grow between two full collections. Left alone, V8 allows a heap that was quiet for a while
 * a third: then every answer of 12 MB brings on a collection, which stops the calls of everybody for 10 ms.
 */
const HEAP_GROWING_PERCENT = 150;

type OwnPlace = Exclude<Place, { kind: 'guest' }>;

/** A gateway with its state folder and the socket on which it takes in the clients of others. */
export interface Serving {
  readonly gateway: Gateway;
  readonly facts: OwnerFacts;
  /** Reads the configuration again, in the background; undefined where that cannot be. */
  readonly reloadNow: (() => void) | undefined;
  /** Answers what is in flight, ends every server, and lets the next gateway have the folder. */
  close(): Promise<void>;
}

/** @throws Fault CONFIG_INVALID */
export function loadStart(start: Start): GatewayConfig {
  const { path, text, envFile } = start.config;
  const loaded = loadGatewayConfig({
    path,
    text,
    envFile,
    env: process.env,
    overrides: overridesOf(start.flags),
  });
  if (!loaded.ok) throw configFault(loaded.error, 'CONFIG_INVALID', 'nothing was started');
  return loaded.value;
}

/** The file as it is now, or where that cannot be served, as it was agreed on before. */
export function usableStart(fresh: Start, agreed: Start): Start {
  if (isSame(fresh.config, agreed.config)) return fresh;
  try {
    loadStart(fresh);
    return fresh;
  } catch (error) {
    tellFailure(error, false);
    return agreed;
  }
}

/**
 * Builds the gateway at its place, and gives the place back where it cannot.
 * @throws Fault CONFIG_INVALID, EVENT_STORE_UNAVAILABLE
 */
export async function openGateway(start: Start, place: OwnPlace): Promise<Serving> {
  try {
    return await openAt(place, start);
  } catch (error) {
    if (place.kind === 'owner') place.lock.release();
    throw error;
  }
}

async function openAt(place: OwnPlace, start: Start): Promise<Serving> {
  const config = loadStart(start);
  const state = claim(start, place);
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`);
  setFlagsFromString('--no-allocation-site-pretenuring'); // ADR 27
  const served = servedFile(start, config);
  const configuration = served?.describe ?? describe(start);
  const gateway = await compose(config, { state, configuration, source: served });
  if (start.isQuiet !== true) announce(start, gateway);
  const facts = factsOf(config);
  const { reload, logger } = gateway;
  const watch =
    served === undefined || reload === undefined
      ? undefined
      : new ConfigWatch(served, config.reload, { reload, logger });
  const isOurs = watch === undefined ? undefined : (digest: string) => watch.isOurs(digest);
  const socket =
    state.kind === 'open' && place.kind === 'owner' && start.state.kind === 'folder'
      ? await openSocket(gateway, place.socketPath, { facts, digest: start.state.digest, isOurs })
      : undefined;
  let closing: Promise<void> | undefined;
  const shutDown = async (): Promise<void> => {
    watch?.[Symbol.dispose]();
    await socket?.cut();
    await gateway.close();
    await socket?.close();
    if (place.kind === 'owner') place.lock.release();
  };
  return {
    gateway,
    facts,
    reloadNow: watch === undefined ? undefined : () => watch.signalled(),
    close: () => (closing ??= shutDown()),
  };
}

/** The file as something that can be read again; undefined where there is none, or it is a pipe. */
function servedFile(
  { config: { path, text, envFile }, flags }: Start,
  config: GatewayConfig,
): ServedFile | undefined {
  if (path === undefined || text === undefined) return undefined;
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) return undefined;
  const over = { env: process.env, overrides: overridesOf(flags) };
  return new ServedFile({ path, text, envFile, config }, over);
}

/** Where there is no file to read again. */
function describe(start: Start): DescribeConfiguration {
  const { path, text, envFile } = start.config;
  return async (salt) => {
    const { effectiveConfig } = await import('./config/effective.ts');
    const overrides = overridesOf(start.flags);
    const source = { path, text, envFile, env: process.env, overrides };
    const values = effectiveConfig(source, salt);
    if (!values.ok) throw configFault(values.error);
    return { file: path, values: values.value };
  };
}

/** The folder as the gateway will use it; where it cannot be, says so once. */
function claim({ state: choice, isQuiet }: Start, place: OwnPlace): StateFolder {
  if (choice.kind === 'none') {
    if (choice.reason !== 'standalone' && isQuiet !== true)
      say(`mcp-hangar: keeps its state in memory: ${choice.reason}`);
    return { kind: 'unavailable', reason: choice.reason, isExplicit: false };
  }
  const { folder, isExplicit } = choice;
  let reason = place.kind === 'alone' ? place.reason : undefined;
  if (place.kind === 'owner') {
    try {
      recordOwner(folder, place.socketPath);
    } catch (error) {
      place.lock.release();
      reason = reasonOf(error);
    }
  }
  if (reason === undefined) return { kind: 'open', path: folder, isExplicit };
  // A command that serves by the way says it where the folder was asked for.
  if (isQuiet !== true || isExplicit)
    say(
      `mcp-hangar: serves by itself and keeps its state in memory, without the folder ${folder}: ${reason}`,
    );
  return { kind: 'unavailable', reason, isExplicit };
}

/** Where commands and other clients of the configuration find this gateway; undefined where that cannot be. */
export async function openSocket(
  gateway: Gateway,
  path: string,
  greeted: Pick<OwnerServices, 'facts' | 'digest' | 'isOurs'>,
): Promise<OwnerSocket | undefined> {
  const socket = new OwnerSocket({
    ...greeted,
    serveStream: (input, output) => gateway.connect(input, output),
    acceptHttp: (connection) => gateway.accept(connection),
    answerQuery: async (question, signal, tell) =>
      (await operator()).answerQuestion(gateway.hub.useCases, question, { signal, tell }),
  });
  try {
    await socket.listen(path);
    return socket;
  } catch (error) {
    // Our own clients are served all the same; others will serve for themselves.
    gateway.logger.warn({ path, error: String(error) }, 'local_socket_failed');
    return undefined;
  }
}

/** Most gateways are never asked: what answers is loaded with the first question. */
const operator = () => import('../application/operator/answer-question.ts');

export function factsOf({ limits }: GatewayConfig): OwnerFacts {
  return {
    pid: process.pid,
    graceMs: limits.shutdownGraceMs,
    bodyBytesMax: limits.bodyBytesMax,
    lineBytesMax: Math.max(limits.clientBufferBytesMax, limits.upstreamMessageBytesMax),
    version: VERSION,
  };
}

function announce({ config: { path, chosenBy } }: Start, { config, logger }: Gateway): void {
  logger.info(
    { config: path ?? 'none', chosenBy: chosenBy ?? 'nothing found' },
    'configuration_loaded',
  );
  if (config.servers.length === 0) logger.warn({}, 'no_mcp_servers_configured');
  const platform = platformNote(process.platform);
  if (platform !== undefined) say(`mcp-hangar: ${platform}`);
  for (const notice of config.notices) say(`mcp-hangar: ${notice}`);
  for (const server of deadServers(config)) say(`mcp-hangar: ${server}`);
}

/** One client over stdin and stdout, which carry the protocol and nothing else. */
export function serveOverStdio(serving: Serving): Promise<number> {
  const { gateway } = serving;
  const { closed } = gateway.connect(process.stdin, process.stdout);
  gateway.logger.info({ servers: gateway.config.servers.length }, 'serving_stdio');
  return untilEnded(serving, closed);
}

/** Serves until there is a reason to stop, then stops. @param closed resolves with one more */
export async function untilEnded(serving: Serving, closed?: Promise<string>): Promise<number> {
  const { logger } = serving.gateway;
  const asked = whenAsked((error) => tellDefect(error, logger), serving.reloadNow);
  const more = closed?.then((reason) => ({ code: 0, reason }));
  const { code, reason } = await Promise.race([asked, ...(more === undefined ? [] : [more])]);
  logger.info({ reason }, 'stopping');
  await serving.close();
  return code;
}
