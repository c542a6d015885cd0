/** The configuration as far as it can be read: variables that are not set keep only their own servers from a check. */
import type { GatewayConfig } from '../config/gateway-config.ts';
import { loadGatewayConfig, type ConfigSource } from '../config/load-config.ts';
import { formatProblem, type ConfigProblem } from '../config/problem.ts';

export interface LoadedForDoctor {
  /** Undefined where it cannot be used at all. */
  readonly config: GatewayConfig | undefined;
  /** What is wrong with it and belongs to no server. */
  readonly problems: readonly { readonly message: string; readonly fix: string }[];
  /** By server: variables that its entry refers to and that are not set. */
  readonly envUnset: ReadonlyMap<string, readonly string[]>;
}

const NOT_SET = /^environment variable "(\w+)" is not set$/;
const OF_SERVER = /^(?:mcp_servers|providers)\.([\w-]+)/;
/** Put in the place of what is not set; whatever it is put into is not started. */
const STANDS_IN = 'mcp-hangar-not-set';

/** Never throws. */
export function loadForDoctor(source: ConfigSource): LoadedForDoctor {
  const loaded = loadGatewayConfig(source);
  if (loaded.ok) return { config: loaded.value, problems: [], envUnset: new Map() };
  const unset = loaded.error.flatMap((problem) => unsetIn(problem) ?? []);
  const text = standIns(source.text ?? '', new Set(unset.map(({ name }) => name)));
  const again = unset.length === 0 ? loaded : loadGatewayConfig({ ...source, text });
  if (!again.ok)
    return { config: undefined, problems: loaded.error.map(told), envUnset: new Map() };
  const envUnset = new Map<string, readonly string[]>();
  for (const { server, name } of unset)
    if (server !== undefined)
      envUnset.set(server, [...new Set([...(envUnset.get(server) ?? []), name])]);
  const others = loaded.error.filter((problem) => unsetIn(problem)?.server === undefined);
  return { config: again.value, problems: others.map(told), envUnset };
}

/** References with a default of their own stay: they work. */
const standIns = (text: string, names: ReadonlySet<string>): string =>
  text.replaceAll(/(?<!\$)\$\{(\w+)\}/g, (written, name: string) =>
    names.has(name) ? STANDS_IN : written,
  );

function unsetIn({
  message,
  path,
}: ConfigProblem): { readonly name: string; readonly server: string | undefined } | undefined {
  const name = NOT_SET.exec(message)?.[1];
  return name === undefined ? undefined : { name, server: OF_SERVER.exec(path)?.[1] };
}

/** The place in the file stands in front; what to do apart. */
const told = (problem: ConfigProblem): { readonly message: string; readonly fix: string } => {
  const line = formatProblem(problem);
  const end = ` (${problem.fix})`;
  return { message: line.endsWith(end) ? line.slice(0, -end.length) : line, fix: problem.fix };
};
