import { describe, expect, test } from 'vitest';
import { diagnose } from './diagnosis.ts';
import { adviceIn, tellingLine } from './start-hints.ts';

const NPM_404 = `npm error code E404
npm error 404 Not Found - GET https://registry.npmjs.org/no-such-server - Not found
npm error 404
npm error 404  The requested resource 'no-such-server@*' could not be found or you do not have permission to access it.
npm error 404
npm error 404 Note that you can also use a
npm error 404 tarball, folder, http url, or git folder.
npm error A complete log of this run can be found in: /home/you/.npm/_logs/x.log`;
const NPM_OFFLINE = `npm error code ENOTFOUND
npm error syscall getaddrinfo
npm error network request to https://registry.npmjs.org/x failed, reason: getaddrinfo ENOTFOUND registry.npmjs.org
npm error network This is a problem related to network connectivity.`;
const NODE_CRASH = `/srv/server.mjs:3
throw new TypeError('cannot read the map');
      ^

TypeError: cannot read the map
    at file:///srv/server.mjs:3:7
    at ModuleJob.run (node:internal/modules/esm/module_job:377:25)

Node.js v24.21.0`;
const SCRIPT_MISSING = `node:internal/modules/cjs/loader:1423
  throw err;
  ^

Error: Cannot find module '/srv/gone.js'
    at Function._resolveFilename (node:internal/modules/cjs/loader:1420:15) {
  code: 'MODULE_NOT_FOUND',
  requireStack: []
}

Node.js v24.21.0`;

describe('what a server wrote before it ended', () => {
  test.each([
    [NPM_404, 'package_unknown'],
    [NPM_OFFLINE, 'registry_unreachable'],
    [
      'npm error code SELF_SIGNED_CERT_IN_CHAIN\nnpm error self-signed certificate in certificate chain',
      'certificate_untrusted',
    ],
    ['error: error sending request for url (https://pypi.org/simple/x/)', 'registry_unreachable'],
    [
      'docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
      'container_runtime_down',
    ],
    [
      'docker: failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the daemon is running',
      'container_runtime_down',
    ],
    [
      'docker: permission denied while trying to connect to the docker API at unix:///var/run/docker.sock',
      'container_refused',
    ],
    [
      'docker: Error response from daemon: pull access denied for mcp/nope, repository does not exist',
      'image_unknown',
    ],
    ['OSError: [Errno 28] No space left on device', 'disk_full'],
    ['Request failed with status code 401', 'credential_refused'],
    ['Error: Bad credentials', 'credential_refused'],
    [SCRIPT_MISSING, 'path_missing'],
    ["Error: Cannot find module 'left-pad'\nrequireStack: [ '/srv/server.js' ]", 'module_missing'],
    ['Server running on http://localhost:3000/mcp', 'serves_http'],
    [NODE_CRASH, 'crashed'],
    ['Traceback (most recent call last):\n  File "x.py", line 1\nRuntimeError: no map', 'crashed'],
    ["thread 'main' panicked at src/main.rs:1:1", 'crashed'],
    ['    at Object.<anonymous> (/srv/x.js:401:5)', 'crashed'],
    ['ready', undefined],
  ])('%j names its cause', (stderr, id) => {
    expect(adviceIn(stderr)?.id).toBe(id);
  });

  test.each([
    [
      NPM_404,
      "npm error 404  The requested resource 'no-such-server@*' could not be found or you do not have permission to access it.",
    ],
    [NODE_CRASH, 'TypeError: cannot read the map'],
    [SCRIPT_MISSING, "Error: Cannot find module '/srv/gone.js'"],
    [
      "/srv/key.js:1\nthrow new Error('GITHUB_TOKEN is not set');\n^\n\nError: GITHUB_TOKEN is not set\n    at Object.<anonymous> (/srv/key.js:1:7)\n\nNode.js v24.21.0",
      'Error: GITHUB_TOKEN is not set',
    ],
    ['GITHUB_TOKEN is required\nsee the manual', 'GITHUB_TOKEN is required'],
    ['loading\nit did not work out\n\n', 'it did not work out'],
    ['', ''],
  ])('%j is quoted by the line that says most', (stderr, line) => {
    expect(tellingLine(stderr)).toBe(line);
  });
});

describe('what a server prints that is no protocol', () => {
  test.each([
    ['<!DOCTYPE html><title>x</title>', 'not_mcp'],
    ['HTTP/1.1 400 Bad Request', 'not_mcp'],
    ['Server ready', 'stdout_noise'],
  ])('%j names its cause', (stdoutNoise, id) => {
    const failure = { kind: 'timeout', timeoutMs: 1_000, stderrTail: '', stdoutNoise } as const;
    expect(diagnose(failure)).toMatchObject({
      id,
      suggestion: expect.stringContaining(stdoutNoise),
    });
  });

  test('stands behind a useless answer, too', () => {
    const failure = {
      kind: 'handshake-error',
      code: 0,
      message: 'the server answered with a line that is not JSON',
      stderrTail: '',
      stdoutNoise: 'DEBUG {"jsonrpc":"2.0","id":1}',
    } as const;
    expect(diagnose(failure)).toMatchObject({
      id: 'stdout_noise',
      suggestion: expect.stringMatching(/DEBUG .* make it log to stderr$/),
    });
  });
});
