/** The event log of a configuration, as commands find it: whether or not its gateway runs. */
import { existsSync } from 'node:fs';
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { Fault } from '@mcp-hangar/kernel/errors';
import { lookAt } from '../../infrastructure/state/state-folder.ts';
import type { PlaceFlags } from '../../server/cli/commands/group.ts';
import type { GatewayConfig } from '../config/gateway-config.ts';
import { loadGatewayConfig } from '../config/load-config.ts';
import { findConfigText, type FoundConfig } from '../find-config.ts';
import { durablePlace, type DurablePlace } from '../open-store.ts';
import { configFault } from '../outcome.ts';
import { stateFolder } from '../start.ts';

export interface FoundLog {
  readonly place: DurablePlace;
  /** For people; nothing secret. */
  readonly name: string;
  readonly config: GatewayConfig;
  readonly source: FoundConfig;
}

/** Where the log of the configuration is kept. @throws Fault CONFIG_INVALID, INPUT_INVALID, STATE_UNAVAILABLE */
export async function findLog(flags: PlaceFlags): Promise<FoundLog> {
  const source = await findConfigText(flags.config);
  const loaded = loadGatewayConfig({ ...source, env: process.env });
  if (!loaded.ok) throw configFault(loaded.error);
  const config = loaded.value;
  const place = config.eventLog.isEnabled ? placeOf(config, flags, source) : undefined;
  if (place === undefined) {
    const message = 'this configuration keeps no event log (event_store, persistence)';
    throw new Fault('INPUT_INVALID', message, { data: { field: 'event_store' } });
  }
  if (place.kind === 'postgresql') return { place, name: nameOf(place), config, source };
  try {
    lookAt(place.path);
  } catch (error) {
    throw new Fault('STATE_UNAVAILABLE', `cannot look for the event log: ${messageOf(error)}`);
  }
  return { place, name: nameOf(place), config, source };
}

/** False where a file is not there yet; of a database only the database knows. */
export const isThere = (place: DurablePlace): boolean =>
  place.kind === 'postgresql' || existsSync(place.path);

function placeOf(
  { persistence }: GatewayConfig,
  flags: PlaceFlags,
  source: FoundConfig,
): DurablePlace | undefined {
  const isInFolder = persistence.kind === 'sqlite' && persistence.path === undefined;
  return durablePlace(persistence, isInFolder ? stateFolder(flags, source).folder : undefined);
}

function nameOf(place: DurablePlace): string {
  if (place.kind === 'sqlite') return place.path;
  const { host, port, database } = addressOf(place.url.reveal());
  return `postgresql://${host}:${port}/${database}, schema ${place.schema}`;
}

/** As the driver reads a URL: parameters of the query stand over what precedes it. */
function addressOf(text: string): {
  readonly host: string;
  readonly port: string;
  readonly database: string;
} {
  const url = new URL(text);
  return {
    host: url.searchParams.get('host') ?? url.hostname,
    port: url.searchParams.get('port') ?? (url.port === '' ? '5432' : url.port),
    database: decodeURIComponent(url.pathname.slice(1)),
  };
}
