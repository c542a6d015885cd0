/** What a client can be asked for, and what of it decides which child may serve it. */
import { canonicalJson } from './canonical-json.ts';
import { isObject, type JsonObject } from './json-rpc.ts';
import { withoutTasks } from './tasks.ts';

/** Capabilities by which a legacy server may ask its client for something. */
const ASKING = ['sampling', 'elicitation', 'roots'] as const;

/** No capabilities: what a shared child is told. */
export const NO_CAPABILITIES: JsonObject = {};
export const NO_CAPABILITIES_KEY = '{}';

/** True where a server may send this client requests, so that a child must have one owner at a time. */
export const declaresAsking = (capabilities: JsonObject): boolean =>
  ASKING.some((name) => capabilities[name] !== undefined);

/** The same text for the same capabilities, whatever the order of their members. */
export const capabilityKey = (capabilities: JsonObject): string => canonicalJson(capabilities);

/** What of a capability servers can count on. What else a client says of one is not told: there is no end to it. */
const FEATURES: Readonly<Record<(typeof ASKING)[number], readonly string[]>> = {
  sampling: ['context', 'tools'],
  elicitation: ['form', 'url'],
  roots: ['listChanged'],
};

/**
 * What a modern client declares, as a legacy server may be told it: what it can be asked for, and nothing else. There
 * are few such sets, so clients that declare ever new ones make no ever new children, views and catalogues.
 */
export function capabilitiesForLegacy(capabilities: JsonObject): JsonObject {
  if (!declaresAsking(capabilities)) return NO_CAPABILITIES; // most requests
  const told = ASKING.flatMap((name) => {
    const own = capabilities[name];
    if (!isObject(own)) return [];
    const features = FEATURES[name].flatMap((feature) => {
      if (own[feature] === true) return [[feature, true] as const];
      return isObject(own[feature]) ? [[feature, {}] as const] : [];
    });
    return [[name, Object.fromEntries(features)] as const];
  });
  return Object.fromEntries(told);
}

/**
 * What a legacy client declares, as a modern server may be told it: what the gateway can ask it for, and what needs no
 * request that only one era has. Tasks have no way across, and no modern server hears that roots have changed.
 */
export function capabilitiesForModern(capabilities: JsonObject): JsonObject {
  const { sampling, elicitation, roots, experimental, extensions } = withoutTasks(capabilities);
  return {
    ...(isObject(sampling) && { sampling }),
    ...(isObject(elicitation) && { elicitation: withMode(elicitation) }),
    ...(isObject(roots) && { roots: {} }),
    ...(isObject(experimental) && { experimental }),
    ...(isObject(extensions) && { extensions }),
  };
}

/** Declared without modes: forms, which were there first. */
const withMode = (elicitation: JsonObject): JsonObject =>
  isObject(elicitation['form']) || isObject(elicitation['url'])
    ? elicitation
    : { ...elicitation, form: {} };

/** The capability by which a client agrees to be sent `method`, or undefined for a method it need not declare. */
export function capabilityFor(method: string): string | undefined {
  switch (method) {
    case 'sampling/createMessage':
      return 'sampling';
    case 'elicitation/create':
      return 'elicitation';
    case 'roots/list':
      return 'roots';
    default:
      return undefined;
  }
}
