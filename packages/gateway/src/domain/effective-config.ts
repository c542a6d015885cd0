/** What a configuration comes to, value by value, as it may be shown; and how two of them differ. */

export type Origin =
  | { readonly kind: 'file'; readonly line: number; readonly column: number }
  | { readonly kind: 'environment' | 'flag'; readonly name: string }
  | { readonly kind: 'default' };

export interface EffectiveValue {
  /** `mcp_servers.math.args`. */
  readonly key: string;
  readonly path: readonly (string | number)[];
  /** Without secrets. */
  readonly text: string;
  readonly origin: Origin;
  /** Equal where the values are, secrets included. */
  readonly fingerprint: string;
  /** It refers to a variable that is not set where it was read. */
  readonly isUnset?: boolean;
}

export interface ValueChange {
  readonly key: string;
  /** Undefined where it is not given on that side. */
  readonly old: string | undefined;
  readonly now: string | undefined;
}

export interface ConfigDifference {
  /** Servers that only one side has. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Servers that both have, with other values. */
  readonly changed: readonly string[];
  /** Of all but servers that only one side has. */
  readonly values: readonly ValueChange[];
}

/** Both names of the map of servers mean the same. */
const nameOf = ({ key, path }: EffectiveValue): string =>
  path[0] === 'providers' ? key.replace('providers', 'mcp_servers') : key;

const serverOf = ({ path: [map, id] }: EffectiveValue): string | undefined =>
  (map === 'mcp_servers' || map === 'providers') && id !== undefined ? String(id) : undefined;

/** What command line and environment say over a file is nothing that a change of the file would change. */
const isOverridden = ({ origin }: EffectiveValue): boolean =>
  origin.kind === 'flag' || origin.kind === 'environment';

/** Values by name, then servers by id. */
export function compareConfigs(
  old: readonly EffectiveValue[],
  now: readonly EffectiveValue[],
): ConfigDifference {
  const before = serversOf(old);
  const after = serversOf(now);
  const added = [...after].filter((id) => !before.has(id));
  const removed = [...before].filter((id) => !after.has(id));
  const alone = new Set([...added, ...removed]);
  const olds = named(old, alone);
  const nows = named(now, alone);
  const changed = new Set<string>();
  const values: ValueChange[] = [];
  for (const name of new Set([...olds.keys(), ...nows.keys()])) {
    const left = olds.get(name);
    const right = nows.get(name);
    if (isSame(left, right)) continue;
    const server = serverOf(left ?? right ?? NOTHING);
    if (server !== undefined) changed.add(server);
    values.push({ key: name, old: left?.text, now: right?.text });
  }
  return { added, removed, changed: [...changed], values };
}

const NOTHING: EffectiveValue = {
  key: '',
  path: [],
  text: '',
  origin: { kind: 'default' },
  fingerprint: '',
};

function isSame(left: EffectiveValue | undefined, right: EffectiveValue | undefined): boolean {
  if (left === undefined || right === undefined) return false;
  if (left.fingerprint === right.fingerprint || isOverridden(left) || isOverridden(right))
    return true;
  // What the variable is where it is set, cannot be told here.
  return (left.isUnset === true || right.isUnset === true) && left.text === right.text;
}

function serversOf(values: readonly EffectiveValue[]): ReadonlySet<string> {
  return new Set(values.map(serverOf).filter((id) => id !== undefined));
}

function named(
  values: readonly EffectiveValue[],
  alone: ReadonlySet<string>,
): ReadonlyMap<string, EffectiveValue> {
  return new Map(
    values.flatMap((value): readonly (readonly [string, EffectiveValue])[] => {
      const server = serverOf(value);
      return server !== undefined && alone.has(server) ? [] : [[nameOf(value), value]];
    }),
  );
}
