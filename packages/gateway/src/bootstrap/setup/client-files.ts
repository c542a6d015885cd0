/** Finds the files of all clients. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '@mcp-hangar/kernel/errors';
import { type ClientFile, contentOf } from '../../application/setup/read-clients.ts';
import { nearest } from '../../domain/near-names.ts';
import { CLIENTS, type ClientSpec, type Places } from '../../domain/setup/client-table.ts';
import { nativePath } from '../../infrastructure/setup/places.ts';
import { findProgram } from '../../infrastructure/setup/runtimes.ts';
import { readUserFile } from '../../infrastructure/setup/user-file.ts';

/** The files of the user of every client, whether or not they exist, and those of this folder that exist. */
export async function clientFiles(places: Places, folder: string): Promise<readonly ClientFile[]> {
  const files: ClientFile[] = [];
  for (const client of CLIENTS) {
    files.push(await userFile(client, places));
    if (client.projectFile === undefined) continue;
    const path = join(folder, client.projectFile);
    if (files.every((file) => file.path !== path)) {
      const file = await projectFile(client, path, folder);
      if (file.content.kind !== 'absent') files.push(file);
    }
  }
  return files;
}

/** The first of its places where something is, else the first. */
async function userFile(client: ClientSpec, places: Places): Promise<ClientFile> {
  const paths = client.userFiles(places).map(nativePath);
  const path = paths.find((candidate) => existsSync(candidate)) ?? paths[0] ?? '';
  return {
    client,
    scope: 'user',
    path,
    project: undefined,
    content: await read(client.format, path),
  };
}

export async function projectFile(
  client: ClientSpec,
  path: string,
  folder: string,
): Promise<ClientFile> {
  const content = await read(client.format, path);
  return { client, scope: 'project', path, project: folder, content };
}

async function read(format: ClientSpec['format'], path: string): Promise<ClientFile['content']> {
  const file = await readUserFile(path);
  return file.kind === 'text' ? contentOf(format, file.text) : file;
}

/** Whether anything shows that the client is here. */
export async function isInstalled(
  file: ClientFile,
  places: Places,
  env: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  const { client, content } = file;
  if (content.kind !== 'absent') return true;
  if (client.traces(places).some((trace) => existsSync(nativePath(trace)))) return true;
  for (const program of client.programs)
    if ((await findProgram(program, env)) !== undefined) return true;
  return false;
}

/** @throws Fault INPUT_INVALID with the nearest name */
export function clientNamed(id: string): ClientSpec {
  const client = CLIENTS.find((candidate) => candidate.id === id);
  if (client !== undefined) return client;
  const ids = CLIENTS.map((candidate) => candidate.id);
  const near = nearest(id, ids);
  throw new Fault('INPUT_INVALID', `there is no client "${id}"`, {
    data: {
      field: 'client',
      fix: near === undefined ? `known are ${ids.join(', ')}` : `did you mean "${near}"?`,
    },
  });
}

/** A file that the user names, of whichever client. @throws Fault INPUT_INVALID */
export async function namedFile(path: string): Promise<ClientFile> {
  const format = /\.toml$/i.test(path) ? 'toml' : 'json';
  const content = await read(format, path);
  const unusable = (reason: string): Fault =>
    new Fault('INPUT_INVALID', `cannot import ${path}: ${reason}`, {
      data: {
        field: 'from',
        fix: 'name a file with mcpServers, servers, context_servers or [mcp_servers.NAME]',
      },
    });
  if (content.kind === 'absent') throw unusable('there is no such file');
  if (content.kind === 'broken') throw unusable(content.reason);
  const keys = [...new Set(CLIENTS.map(({ serversKey }) => serversKey))];
  const serversKey = keys.find((key) => content.value[key] !== undefined);
  if (serversKey === undefined) throw unusable('it has no MCP servers');
  const like = CLIENTS.find(
    (client) => client.serversKey === serversKey && client.variables !== 'none',
  );
  const client: ClientSpec = {
    ...(like ?? clientNamed(serversKey === 'mcp_servers' ? 'codex' : 'zed')),
    id: 'file',
    title: 'file',
    format,
    serversKey,
  };
  return { client, scope: 'user', path, project: undefined, content };
}

export const hasFolder = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
