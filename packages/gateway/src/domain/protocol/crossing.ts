/** What of a server does not reach clients of the other era, so that nothing is silently missing. */
import { isObject, type JsonObject } from './json-rpc.ts';
import type { Era } from './revisions.ts';
import { declaresTasks, requiresTask } from './tasks.ts';

/** Something that a server has and that clients of one era do not get. */
export interface CannotCross {
  readonly clients: Era;
  readonly feature: string;
  readonly reason: string;
}

export interface CrossingServer {
  readonly speaks: readonly Era[];
  /** Its answer to `initialize` or `server/discover`, where it was asked. */
  readonly hello: JsonObject | undefined;
  readonly tools: readonly JsonObject[];
}

/** Empty for a server that speaks both eras, or of which nothing is known yet. */
export function cannotCross({ speaks, hello, tools }: CrossingServer): readonly CannotCross[] {
  const only = speaks[0];
  if (only === undefined || speaks.some((era) => era !== only)) return [];
  const capabilities = isObject(hello?.['capabilities']) ? hello['capabilities'] : {};
  return only === 'legacy' ? fromLegacy(capabilities, tools) : fromModern(capabilities);
}

function fromLegacy(
  capabilities: JsonObject,
  tools: readonly JsonObject[],
): readonly CannotCross[] {
  const clients = 'modern';
  const found: CannotCross[] = tools.filter(requiresTask).map(({ name }) => ({
    clients,
    feature: `tool "${String(name)}"`,
    reason: 'it runs as a task of revision 2025-11-25 only, which 2026-07-28 has no form for',
  }));
  if (isObject(capabilities['tasks'])) {
    found.push({
      clients,
      feature: 'tasks, tasks/list and tasks/result among them',
      reason: 'those of revision 2025-11-25 and the extension of 2026-07-28 have no common form',
    });
  }
  if (isObject(capabilities['logging'])) {
    found.push({
      clients,
      feature: 'log messages outside a request',
      reason: 'revision 2026-07-28 has them during the request that asks for them only',
    });
  }
  for (const name of extensionsIn(capabilities)) {
    found.push({
      clients,
      feature: `extension ${name}`,
      reason:
        'clients of revision 2026-07-28 declare it with each request, such a server hears of it at its start',
    });
  }
  found.push({
    clients,
    feature: 'requests of the server outside tools/call, prompts/get and resources/read',
    reason: 'revision 2026-07-28 asks a client only in the answer to one of these',
  });
  return found;
}

/** Whatever else a server of the modern era offers has a form in the legacy one. */
function fromModern(capabilities: JsonObject): readonly CannotCross[] {
  if (!declaresTasks(capabilities)) return [];
  const reason =
    'the extension of 2026-07-28 and the tasks of revision 2025-11-25 have no common form';
  return [{ clients: 'legacy', feature: 'tasks, and tools that run as tasks only', reason }];
}

const extensionsIn = ({ extensions }: JsonObject): readonly string[] =>
  isObject(extensions) ? Object.keys(extensions) : [];
