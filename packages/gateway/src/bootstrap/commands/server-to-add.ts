/** What `mcp-hangar add` was given, as an entry of the configuration. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Fault } from '@mcp-hangar/kernel/errors';
import { McpServerId } from '../../domain/mcp-server/spec.ts';
import type { AddFlags } from '../../server/cli/commands/edit.ts';
import type { PlainServer } from '../config/edit/config-edit.ts';
import { identifierProblem } from '../config/identifier.ts';

export interface AddedServer {
  readonly server: PlainServer;
  readonly notes: readonly string[];
}

/**
 * @param path of the configuration: relative paths in it are not relative to where the command is typed
 * @throws Fault INPUT_INVALID naming the field
 */
export function serverToAdd(
  id: string,
  target: readonly string[],
  flags: AddFlags,
  path: string,
): AddedServer {
  if (!McpServerId.safeParse(id).success) {
    const { message, fix } = identifierProblem(id);
    throw wrong('name', message, fix);
  }
  const transport = transportOf(target, flags);
  return transport === 'stdio'
    ? localServer(target, flags, path)
    : { server: remoteServer(target, flags, transport), notes: [] };
}

const wrong = (field: string, message: string, fix?: string): Fault =>
  new Fault('INPUT_INVALID', message, { data: { field, ...(fix === undefined ? {} : { fix }) } });

const isUrl = (text: string | undefined): text is string => /^https?:\/\//i.test(text ?? '');

/** The parser of the command line has checked what is given. */
function transportOf(target: readonly string[], { transport }: AddFlags): 'stdio' | 'http' | 'sse' {
  if (transport === undefined) return target.length === 1 && isUrl(target[0]) ? 'http' : 'stdio';
  return transport === 'stdio' || transport === 'sse' ? transport : 'http';
}

function remoteServer(
  target: readonly string[],
  { env, header = [], cwd, sharing }: AddFlags,
  transport: 'http' | 'sse',
): PlainServer {
  const [url, ...more] = target;
  if (!isUrl(url) || more.length > 0)
    throw wrong(
      'url', // not quoted: it may carry a secret
      `-t ${transport} takes one http or https URL`,
      'write https://HOST/PATH, and nothing else behind the name',
    );
  const local = [
    ['-e', env],
    ['--cwd', cwd],
    ['--sharing', sharing],
  ].find(([, value]) => value !== undefined);
  if (local !== undefined)
    throw wrong(
      'transport',
      `${String(local[0])} is of local servers; this one is remote`,
      'leave it out, or give a command behind --',
    );
  const headers = Object.fromEntries(header.map(headerOf));
  return {
    mode: 'remote',
    endpoint: url,
    ...(transport === 'sse' ? { transport: 'sse' } : {}),
    ...(header.length === 0 ? {} : { http: { headers } }),
  };
}

function headerOf(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  if (colon < 1) throw wrong('header', 'a header is no "Name: value"', "write -H 'Name: value'"); // not quoted: it may be a secret
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}

function localServer(
  target: readonly string[],
  { env = [], header, cwd, sharing }: AddFlags,
  path: string,
): AddedServer {
  const [program = '', ...args] = target;
  if (header !== undefined)
    throw wrong(
      'header',
      '-H is of remote servers; this one is local',
      'give it with -t http and a URL',
    );
  const isRelative = /^\.{1,2}[\\/]/.test(program);
  const here = process.cwd();
  const near = isRelative ? program : args.find((arg) => isHere(arg));
  // What is typed means files of this folder; the server would run in the folder of the configuration.
  const folder =
    cwd !== undefined
      ? resolve(cwd)
      : near !== undefined && here !== dirname(path)
        ? here
        : undefined;
  const notes =
    cwd === undefined && folder !== undefined
      ? [`it runs in ${folder}, because "${near}" is there (--cwd names another folder)`]
      : [];
  const server = {
    command: [isRelative ? resolve(program) : program, ...args],
    ...(env.length === 0 ? {} : { env: Object.fromEntries(env.map(variableOf)) }),
    ...(folder === undefined ? {} : { cwd: folder }),
    ...(sharing === undefined ? {} : { sharing }),
  };
  return { server, notes };
}

/** A file or folder of the working directory, and nothing that only looks like one. */
const isHere = (arg: string): boolean =>
  arg !== '' && !/^(-|\/|~|\$\{|[a-z]+:\/\/)/i.test(arg) && existsSync(resolve(arg));

/** `NAME` alone is what the gateway's own environment has. */
function variableOf(pair: string): readonly [string, string] {
  const at = pair.indexOf('=');
  const name = at === -1 ? pair : pair.slice(0, at);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    throw wrong('env', 'a variable is no NAME=value', 'write -e NAME=value, or -e NAME'); // not quoted: it may be a secret
  return [name, at === -1 ? `\${${name}}` : pair.slice(at + 1)];
}
