/** What the gateway says of itself in `initialize` and `server/discover`. */
import { isObject, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import { SUPPORTED_REVISIONS, type Era } from '../../domain/protocol/revisions.ts';
import { withoutTasks } from '../../domain/protocol/tasks.ts';
import { capabilitiesOf } from '../catalog/catalogs.ts';
import type { View } from '../catalog/views.ts';
import type { Hub } from '../dispatch/hub.ts';
import { offeredTasks } from '../tasks/offered-tasks.ts';

/** Of an endpoint with many servers: whatever one of them may offer, now or after its next change. */
const EVERYTHING: JsonObject = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  completions: {},
  logging: {},
};

const INSTRUCTIONS_CHARS_MAX = 32_768;

/** What this client is offered. Of one server that is known: its own capabilities, unknown ones included. */
function offeredCapabilities(hub: Hub, view: View): JsonObject {
  if (view.endpoint.toolsOnly === true) return { tools: { listChanged: true } };
  const only = view.endpoint.prefixed ? undefined : view.endpoint.servers[0];
  const catalog = only === undefined ? undefined : hub.catalogs.find(only, view.asker);
  if (catalog === undefined) return { ...EVERYTHING, ...offeredTasks(hub, view) };
  const all = capabilitiesOf(catalog);
  const declared = catalog.era === view.asker.era ? all : acrossEras(all, view.asker.era);
  const lists = ['tools', 'prompts', 'resources'].filter((name) => isObject(declared[name]));
  const listChanged = lists.map((name) => [
    name,
    { ...(declared[name] as JsonObject), listChanged: true },
  ]);
  return { ...declared, ...Object.fromEntries(listChanged) };
}

/** What of a server's capabilities reaches a client of the other era. */
function acrossEras(all: JsonObject, to: Era): JsonObject {
  const declared = withoutTasks(all);
  if (to === 'legacy') return declared;
  const { extensions: _, ...rest } = declared; // a legacy child is not told those of a modern client
  return rest;
}

/** The instructions of the servers, each under its name where there are many. */
function instructions(hub: Hub, view: View): string | undefined {
  const texts = view.endpoint.servers.flatMap((server) => {
    const text = hub.catalogs.find(server, view.asker)?.hello['instructions'];
    if (typeof text !== 'string' || text === '') return [];
    return [view.endpoint.prefixed ? `## ${server.spec.id}\n${text}` : text];
  });
  return texts.length === 0 ? undefined : texts.join('\n\n').slice(0, INSTRUCTIONS_CHARS_MAX);
}

export function initializeResult(hub: Hub, view: View, revision: string): JsonObject {
  const text = instructions(hub, view);
  return {
    protocolVersion: revision,
    capabilities: offeredCapabilities(hub, view),
    serverInfo: hub.options.info,
    ...(text === undefined ? {} : { instructions: text }),
  };
}

export function discoverResult(hub: Hub, view: View): JsonObject {
  const text = instructions(hub, view);
  return {
    supportedVersions: SUPPORTED_REVISIONS,
    capabilities: offeredCapabilities(hub, view),
    ...(text === undefined ? {} : { instructions: text }),
    ...view.envelope,
  };
}
