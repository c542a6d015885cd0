/** What a client is told of tasks: what servers of its own era offer. */
import { isObject, type JsonObject } from '../../domain/protocol/json-rpc.ts';
import { taskCapabilities } from '../../domain/protocol/tasks.ts';
import { capabilitiesOf } from '../catalog/catalogs.ts';
import type { View } from '../catalog/views.ts';
import type { Hub } from '../dispatch/hub.ts';

/** Members of the capabilities; of many servers what any of them has, as far as they are known. */
export function offeredTasks(hub: Hub, { endpoint, asker }: View): JsonObject {
  return endpoint.servers.reduce<JsonObject>((offered, server) => {
    const catalog = hub.catalogs.find(server, asker);
    if (catalog === undefined || catalog.era !== asker.era) return offered;
    return merged(offered, taskCapabilities(capabilitiesOf(catalog), asker.era));
  }, {});
}

export const offersTasks = (hub: Hub, view: View): boolean =>
  Object.keys(offeredTasks(hub, view)).length > 0;

/** A server is not listed yet. */
export const mayOfferTasks = (hub: Hub, { endpoint, asker }: View): boolean =>
  endpoint.servers.some((server) => hub.catalogs.lacks(server, asker));

/** Capabilities are empty objects, or objects of such. */
function merged(a: JsonObject, b: JsonObject): JsonObject {
  const both = { ...a };
  for (const [name, value] of Object.entries(b)) {
    const known = both[name];
    both[name] = isObject(known) && isObject(value) ? merged(known, value) : value;
  }
  return both;
}
