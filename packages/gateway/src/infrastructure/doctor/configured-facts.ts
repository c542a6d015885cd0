/** What the entry of a server says, held against this machine: variables, paths, addresses. */
import { access } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { ConfiguredFacts } from '../../domain/doctor/server-check.ts';
import { redactor } from '../../domain/mcp-server/redactor.ts';
import type { McpServerSpec, RemoteLaunch, StdioLaunch } from '../../domain/mcp-server/spec.ts';

const PATHS_MAX = 10;
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
const RELATIVE = /^(?:--?[\w-]+=)?(\.{1,2}[\\/].*)$/;
/** Programs whose first plain argument is a script. */
const INTERPRETER = /^(?:node|bun|deno|tsx|ruby|php|python[\d.]*)(?:\.exe)?$/i;
const SCRIPT = /\.(?:[cm]?[jt]sx?|py|rb|php)$/i;

/** @param envUnset variables that the entry refers to and that are not set */
export async function configuredFacts(
  spec: McpServerSpec,
  envUnset: readonly string[],
): Promise<ConfiguredFacts> {
  const { launch } = spec;
  const stdio = launch.kind === 'stdio' ? launch : undefined;
  const remote = launch.kind === 'remote' ? launch : undefined;
  const clean = redactor(spec.secrets);
  return {
    id: spec.id,
    envUnset,
    envEmpty: Object.entries(stdio?.env ?? {}).flatMap(([name, value]) =>
      value.reveal() === '' && !envUnset.includes(name) ? [name] : [],
    ),
    pathsMissing: (stdio === undefined ? [] : await pathsMissing(stdio)).map(clean),
    startupTimeoutMs: spec.startupTimeoutMs,
    predefinedTools: (spec.predefinedTools ?? []).map(({ name }) => name),
    isTlsUnverified: remote?.tls.verify === false,
    isCredentialUnprotected: remote !== undefined && showsCredential(remote),
  };
}

function showsCredential({ url, auth, headers }: RemoteLaunch): boolean {
  const { protocol, hostname } = new URL(url);
  const hasCredential = auth.kind !== 'none' || Object.keys(headers).length > 0;
  return protocol === 'http:' && !LOOPBACK.test(hostname) && hasCredential;
}

async function pathsMissing({ command, args, cwd }: StdioLaunch): Promise<readonly string[]> {
  const words = args.flatMap((arg) => RELATIVE.exec(arg)?.[1] ?? []);
  const first = args.find((arg) => !arg.startsWith('-'));
  const isScript = INTERPRETER.test(basename(command)) && SCRIPT.test(first ?? '');
  if (first !== undefined && isScript && !words.includes(first)) words.push(first);
  const missing: string[] = [];
  for (const word of words.slice(0, PATHS_MAX))
    if (!(await exists(resolve(cwd ?? '.', word)))) missing.push(word);
  return missing;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
