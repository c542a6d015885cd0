/** Who listens on a TCP port, and which port near it is free. Linux tells by /proc; elsewhere the holder stays unnamed. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer } from 'node:net';

export interface PortHolder {
  readonly pid: number;
  readonly command: string;
}

const LISTEN = '0A';
const NEIGHBOURS_MAX = 50;

/** The process that listens on `port`, or undefined where that cannot be seen. */
export async function portHolder(port: number): Promise<PortHolder | undefined> {
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const inode of listeners(await readOr(table), port)) inodes.add(`socket:[${inode}]`);
  }
  if (inodes.size === 0) return undefined;
  for (const pid of (await listOr('/proc')).filter((name) => /^\d+$/.test(name))) {
    for (const fd of await listOr(`/proc/${pid}/fd`)) {
      const link = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      if (!inodes.has(link)) continue;
      const command = (await readOr(`/proc/${pid}/cmdline`))
        // Whoever started it chose the words: none of them steers our terminal.
        .replaceAll(/\p{Cc}/gu, ' ')
        .trim();
      return { pid: Number(pid), command: command.slice(0, 80) };
    }
  }
  return undefined;
}

function listeners(table: string, port: number): readonly string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return table.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const inode = fields[9];
    return fields[1]?.endsWith(`:${wanted}`) === true && fields[3] === LISTEN && inode !== undefined
      ? [inode]
      : [];
  });
}

/** The first port above `port` that can be bound on `host`; undefined where none of the next 50 can. */
export async function nextFreePort(host: string, port: number): Promise<number | undefined> {
  for (let next = port + 1; next <= Math.min(65_535, port + NEIGHBOURS_MAX); next += 1) {
    if (await canBind(host, next)) return next;
  }
  return undefined;
}

const canBind = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port }, () => server.close(() => resolve(true)));
  });

const readOr = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');
const listOr = (folder: string): Promise<readonly string[]> => readdir(folder).catch(() => []);
