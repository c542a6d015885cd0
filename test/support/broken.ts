/** Servers that are broken in the ways that people meet, as processes and sockets. */
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Certificates } from './certificates.ts';
import { environment } from './gateway.ts';
import { remote } from './remote.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/broken/broken.mjs', import.meta.url));

type Entry = Readonly<Record<string, unknown>>;

/** A server that is wrong in the way that the fixture knows as `kind`. */
export const broken = (kind: string, keys: Entry = {}): Entry => ({
  command: [process.execPath, FIXTURE, `--kind=${kind}`],
  ...keys,
});

/** What npm 11 prints where a package does not exist. */
const NPM_404 = `npm error code E404
npm error 404 Not Found - GET https://registry.npmjs.org/mcp-server-gihtub - Not found
npm error 404
npm error 404  The requested resource 'mcp-server-gihtub@*' could not be found or you do not have permission to access it.
npm error 404
npm error 404 Note that you can also use a
npm error 404 tarball, folder, http url, or git folder.
npm error A complete log of this run can be found in: /home/you/.npm/_logs/debug-0.log`;
const NPM_OFFLINE = `npm error code ENOTFOUND
npm error syscall getaddrinfo
npm error errno ENOTFOUND
npm error network request to https://registry.npmjs.org/some-server failed, reason: getaddrinfo ENOTFOUND registry.npmjs.org
npm error network This is a problem related to network connectivity.`;
/** What Docker 28 prints where its daemon does not run. */
const DOCKER_DOWN = `docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?

Run 'docker run --help' for more information`;

/** A program that ends with these last words, in a folder for a PATH. */
function failing(folder: string, name: string, ending: { stderr: string; code: number }): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\ncat >&2 <<'X'\n${ending.stderr}\nX\nexit ${ending.code}\n`);
  chmodSync(file, 0o755);
  return [folder, environment(folder)['PATH'] ?? ''].join(':');
}

/** Servers at sockets, and entries of a configuration for all of them. */
export class BrokenServers implements AsyncDisposable {
  readonly #servers: Server[] = [];
  #certificates: Certificates | undefined;
  entries: Readonly<Record<string, Entry>> = {};

  /** @param folder for programs of their own */
  static async open(folder: string): Promise<BrokenServers> {
    const all = new BrokenServers();
    const locked = await all.#listen(
      createServer((_, response) => void response.writeHead(401).end('{"error":"no"}')),
    );
    const page = await all.#listen(
      createServer(
        (_, response) =>
          void response
            .writeHead(200, { 'content-type': 'text/html' })
            .end('<!doctype html><title>Welcome</title>'),
      ),
    );
    all.#certificates = new Certificates();
    const selfSigned = await all.#listen(
      createTlsServer(
        all.#certificates.selfSigned('IP:127.0.0.1'),
        (_, response) => void response.end(),
      ),
    );
    const script = (text: string): Entry => ({
      command: [process.execPath, '-e', text],
      startup_timeout_s: 1,
    });
    const npx = { command: ['npx', '-y', 'mcp-server-gihtub'] };
    const path404 = failing(join(folder, 'npm-404'), 'npx', { stderr: NPM_404, code: 1 });
    const pathOffline = failing(join(folder, 'offline'), 'npx', { stderr: NPM_OFFLINE, code: 1 });
    const pathDocker = failing(join(folder, 'docker'), 'docker', {
      stderr: DOCKER_DOWN,
      code: 125,
    });
    all.entries = {
      runtime: { command: ['no-such-runtime', 'server'] },
      package: { ...npx, env: { PATH: path404 } },
      offline: { ...npx, env: { PATH: pathOffline } },
      crash: script(`throw new TypeError('cannot read the map')`),
      stdout: script(`console.log('Server ready'); setInterval(() => 0, 1000)`),
      talks: broken('talks', { startup_timeout_s: 1 }),
      program: script(
        `console.log('<!doctype html><title>Hi</title>'); setInterval(() => 0, 1000)`,
      ),
      page: remote(`http://127.0.0.1:${page}/mcp`),
      hangs: script('setInterval(() => 0, 1000)'),
      locked: remote(`http://127.0.0.1:${locked}/mcp`),
      tls: remote(`https://127.0.0.1:${selfSigned}/mcp`),
      huge: broken('huge'),
      long: broken('long'),
      key: script(`console.error('Error: GITHUB_TOKEN is not set'); process.exit(1)`),
      docker: { command: ['docker', 'run', '-i', '--rm', 'mcp/x'], env: { PATH: pathDocker } },
      image: { mode: 'docker', image: 'mcp/x' },
    };
    return all;
  }

  async #listen(server: Server): Promise<number> {
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    this.#certificates?.[Symbol.dispose]();
  }
}
